/// TLS whose handshake is done, on its way from one loop's stream to another's: no thread uses it.
package struct DetachedTLS: @unchecked Sendable {
    let session: TLSSession
}
