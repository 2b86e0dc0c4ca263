import Testing

@testable import Reactor

/// Kernel TLS, where there is some; elsewhere asking for it changes nothing.
@Suite struct KernelTLSTests {
    @Test func `the kernel encrypts for both ends where it is offered, and for none elsewhere`()
        throws
    {
        try withLoop { loop in
            let pair = try TLSPair(on: loop, inKernel: true)
            pair.client.write([1])
            run(loop, untilReceived: 1, by: pair.serverSide)
            #expect(pair.client.isEncryptedByKernel == KernelTLS.isOffered)
            #expect(pair.server.isEncryptedByKernel == KernelTLS.isOffered)
            let usual = try TLSPair(on: loop)
            #expect(!usual.client.isEncryptedByKernel && !usual.server.isEncryptedByKernel)
        }
    }

    @Test func `what there is is said by OpenSSL's number and in words`() {
        let words = KernelTLS.isOffered ? "used" : "not offered by this (kernel|OpenSSL)"
        let expected = try? Regex("OpenSSL [0-9]+\\.[0-9]+\\.[0-9]+[^,]*, kernel TLS: \(words)")
        #expect(expected.flatMap { KernelTLS.summary.wholeMatch(of: $0) } != nil)
    }
}
