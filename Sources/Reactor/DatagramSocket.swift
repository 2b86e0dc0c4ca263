import CEpollShim
import Glibc

/// A UDP socket that receives and sends in batches: recvmmsg(2), sendmmsg(2).
///
/// What is sent in a turn goes out at its end, or when a batch is full. As UDP allows, datagrams
/// are dropped rather than queued without bound: when the kernel's buffer is full, or an address
/// can't be reached. `droppedCount` counts them.
package final class DatagramSocket: EventSource {
    package typealias ReceiveHandler = (UnsafeRawBufferPointer, SocketAddress) -> Void

    /// Where it receives, with the port the kernel chose if 0 was asked for.
    package let localAddress: SocketAddress
    /// Datagrams that were to be sent and weren't, or came and were longer than `maximumLength`.
    package private(set) var droppedCount = 0

    private var onReceive: ReceiveHandler?
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    /// Slots of `outgoing` in use.
    private var outgoingCount: UInt32 = 0

    /// The longest datagram, either way, in bytes: what an Ethernet frame holds, and some more.
    package static let maximumLength = 2048
    private static let batchCount: UInt32 = 64
    /// 1,024 datagrams; what else there is waits for the next turn.
    private static let batchesPerTurn = 16

    /// Receives at `address`; an IPv6 one takes IPv6 only, unless it stands for all there are and
    /// `bothFamilies` is asked for. `onReceive` is called with each datagram's bytes, valid during
    /// the call, and its sender, until `close`.
    package convenience init(
        loop: EventLoop, address: SocketAddress, bothFamilies: Bool = false,
        sharingPort: Bool = false,
        onReceive: @escaping ReceiveHandler
    ) throws(SystemError) {
        let descriptor = try Socket.bound(
            to: address, type: SOCK_DGRAM, bothFamilies: bothFamilies, sharingPort: sharingPort)
        try self.init(loop: loop, descriptor: descriptor, onReceive: onReceive)
    }

    /// Receives at a UDP socket that is bound to its address; it is closed with this one, and where
    /// this one can't be made.
    package init(
        loop: EventLoop, descriptor: Int32, onReceive: @escaping ReceiveHandler
    ) throws(SystemError) {
        do throws(SystemError) {
            localAddress = try Socket.localAddress(descriptor)
        } catch {
            SystemCall.close(descriptor)
            throw error
        }
        guard
            let incoming = shim_datagrams_create(
                DatagramSocket.batchCount, DatagramSocket.maximumLength),
            let outgoing = shim_datagrams_create(
                DatagramSocket.batchCount, DatagramSocket.maximumLength)
        else { fatalError("out of memory") }
        self.incoming = incoming
        self.outgoing = outgoing
        self.onReceive = onReceive
        super.init(loop: loop, descriptor: descriptor)
        do throws(SystemError) {
            try watch(for: .readable)
        } catch {
            close()
            throw error
        }
    }

    deinit {
        shim_datagrams_destroy(incoming)
        shim_datagrams_destroy(outgoing)
    }

    /// Lets sockets of other loops share the port from now on: each receives from its part of the
    /// senders.
    package func sharePort() throws(SystemError) { try Socket.sharePort(descriptor) }

    /// Sends a copy of `bytes`, up to `maximumLength` of them, by the end of the turn. `address`
    /// is of a family that the socket takes.
    package func send(_ bytes: UnsafeRawBufferPointer, to address: SocketAddress) {
        if descriptor < 0 { return }
        guard bytes.count <= DatagramSocket.maximumLength,
            localAddress.isIPv6 || !address.isIPv6
        else {
            droppedCount += 1
            return
        }
        if outgoingCount == DatagramSocket.batchCount { flush() }
        if let start = bytes.baseAddress {
            shim_datagrams_bytes(outgoing, outgoingCount).copyMemory(
                from: start, byteCount: bytes.count)
        }
        address.withSockaddr(ofIPv6Socket: localAddress.isIPv6) {
            shim_datagrams_set(outgoing, outgoingCount, bytes.count, $0, $1)
        }
        outgoingCount += 1
        requestService()
    }

    package func send(_ bytes: [UInt8], to address: SocketAddress) {
        bytes.withUnsafeBytes { send($0, to: address) }
    }

    /// Closes at once; what hasn't been sent is dropped.
    package override func close() {
        _ = onReceive.take()
        outgoingCount = 0
        unregister()
    }

    override func service() { flush() }

    override func handle(_ events: Readiness) {
        for _ in 0..<DatagramSocket.batchesPerTurn {
            if descriptor < 0 { return }
            // An error is one that an earlier datagram met on its way; reading takes it away.
            let count = shim_datagrams_receive(incoming, descriptor)
            if count == -EAGAIN { return }
            for index in 0..<UInt32(max(count, 0)) { receive(index) }
            if (0..<Int32(DatagramSocket.batchCount)).contains(count) { return }
        }
    }

    private func receive(_ index: UInt32) {
        if shim_datagrams_is_truncated(incoming, index) != 0 {
            droppedCount += 1
            return
        }
        let address = shim_datagrams_address(incoming, index)!
            .assumingMemoryBound(to: sockaddr.self)
        guard let onReceive, let sender = SocketAddress(address) else { return }
        let bytes = UnsafeRawBufferPointer(
            start: shim_datagrams_bytes(incoming, index),
            count: shim_datagrams_length(incoming, index))
        onReceive(bytes, sender)
    }

    private func flush() {
        if descriptor < 0 { return }
        var sent: UInt32 = 0
        while sent < outgoingCount {
            let result = shim_datagrams_send(outgoing, descriptor, sent, outgoingCount - sent)
            if result > 0 {
                sent += UInt32(result)
            } else if result == -EAGAIN {
                droppedCount += Int(outgoingCount - sent)
                break
            } else {
                // The first of them can't be sent, or tells of an earlier one: go on after it.
                droppedCount += 1
                sent += 1
            }
        }
        outgoingCount = 0
    }
}
