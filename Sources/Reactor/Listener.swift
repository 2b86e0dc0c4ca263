import CEpollShim
import Glibc

/// A listening TCP socket.
///
/// Out of descriptors (EMFILE, ENFILE) or memory it stops accepting for a while, doubling from
/// 10 ms to 1 s, rather than being told of the same waiting connection again and again; the
/// connections wait in the kernel's backlog meanwhile.
package final class Listener: EventSource {
    package typealias AcceptHandler = (consuming AcceptedSocket) -> Void

    /// Where it listens, with the port the kernel chose if 0 was asked for.
    package let localAddress: SocketAddress

    private var onAccept: AcceptHandler?
    private var backOff = Listener.firstBackOff
    private var resumption: TimerID?

    /// So that a flood of connections doesn't hold up the streams there are.
    private static let acceptsPerTurn = 64
    private static let firstBackOff: Duration = .milliseconds(10)
    private static let longestBackOff: Duration = .seconds(1)

    /// Listens on `address`; an IPv6 one takes IPv6 connections only, unless it stands for all there
    /// are and `bothFamilies` is asked for. `onAccept` is called for
    /// every connection, until `close`; it makes a `Stream` of the socket, or drops it. A backlog
    /// that is full costs those who come then a second or more, until TCP tries again; the system
    /// bounds it (net.core.somaxconn).
    package convenience init(
        loop: EventLoop, address: SocketAddress, backlog: Int32 = 4096,
        bothFamilies: Bool = false, sharingPort: Bool = false, onAccept: @escaping AcceptHandler
    ) throws(SystemError) {
        let descriptor = try Socket.bound(
            to: address, type: SOCK_STREAM, bothFamilies: bothFamilies, sharingPort: sharingPort)
        try self.init(
            loop: loop, descriptor: descriptor, backlog: backlog, onAccept: onAccept)
    }

    /// Listens on a TCP socket that is bound to its address, or listens already; it is closed with
    /// the listener, and where that can't be made.
    package init(
        loop: EventLoop, descriptor: Int32, backlog: Int32 = 4096,
        onAccept: @escaping AcceptHandler
    ) throws(SystemError) {
        do throws(SystemError) {
            // What is accepted has it from here, without a call for each.
            try Socket.set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            if listen(descriptor, backlog) < 0 {
                throw SystemError(code: errno, operation: "listen")
            }
            localAddress = try Socket.localAddress(descriptor)
        } catch {
            SystemCall.close(descriptor)
            throw error
        }
        self.onAccept = onAccept
        super.init(loop: loop, descriptor: descriptor)
        do throws(SystemError) {
            try watch(for: .readable)
        } catch {
            close()
            throw error
        }
    }

    /// Lets listeners of other loops share the port from now on: each takes its part of the
    /// connections.
    package func sharePort() throws(SystemError) { try Socket.sharePort(descriptor) }

    /// Whether it lacks descriptors or memory, as far as it knows.
    package var isBackingOff: Bool { backOff != Listener.firstBackOff }

    /// Stops listening: `onAccept` isn't called any more. Streams it made live on.
    package override func close() {
        if let resumption { loop.cancel(resumption) }
        resumption = nil
        _ = onAccept.take()
        unregister()
    }

    override func handle(_ events: Readiness) {
        for _ in 0..<Listener.acceptsPerTurn {
            guard let onAccept else { return }
            var storage = sockaddr_storage()
            let result = shim_accept(descriptor, &storage)
            if result >= 0 || result == -EAGAIN { backOff = Listener.firstBackOff }
            if result >= 0 {
                let address = withUnsafeBytes(of: &storage) {
                    SocketAddress($0.baseAddress!.assumingMemoryBound(to: sockaddr.self))
                }
                guard let address else { preconditionFailure("accept of another family") }
                onAccept(AcceptedSocket(descriptor: result, remoteAddress: address))
                continue
            }
            switch -result {
            case EAGAIN: return
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return pause()
            default: continue  // The connection failed before it was accepted: accept(2).
            }
        }
    }

    private func pause() {
        try? setInterest([])
        resumption = loop.schedule(after: backOff) { [unowned self] in
            resumption = nil
            do throws(SystemError) { try setInterest(.readable) } catch { pause() }
        }
        backOff = min(backOff * 2, Listener.longestBackOff)
    }
}
