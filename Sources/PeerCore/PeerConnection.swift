import Wire

/// One connection of a swarm: its protocol state, and what flows each way.
final class PeerConnection {
    /// Where the connection is in its life.
    enum Phase: Equatable, Sendable {
        /// Ours is sent, theirs not whole yet. Exits: `active`, `closed`.
        case awaitingHandshake
        /// Messages flow. Exits: `closed`.
        case active
        /// Gone from the table; what still refers to it does nothing. No exits.
        case closed
    }

    // Where there are many, a look at each costs what has to be fetched from memory: what is looked
    // at with every message, and when a piece is verified, comes first and lies together.
    let id: ConnectionID
    var phase = Phase.awaitingHandshake
    // The four flags of BEP 3.
    var amChoking = true
    var amInterested = false
    var peerIsChoking = true
    var peerIsInterested = false
    /// Whether the bitfield is still to come: before anything that tells of pieces (BEP 3).
    var mayStillSendBitfield = true
    /// Whether the picker counts the peer as having everything.
    var isCountedAsSeed = false
    /// It hasn't answered in time: asked for nothing until it does.
    var isSnubbed = false
    /// Whether it counts as unchoked among the upload slots: not while it takes nothing.
    var holdsSlot = false
    /// Both sides speak the fast extension (BEP 6), the extension protocol (BEP 10).
    var speaksFast = false
    var speaksExtensions = false
    /// Whether a block has gone either way.
    var hasExchanged = false
    /// It won't download (BEP 21).
    var isUploadOnly = false
    var pieces: Bitfield
    /// How many of its pieces are missing here.
    var usefulPieces = 0
    /// How much of `Swarm.news` it knows.
    var toldNews = 0
    var uploadQueue = Queue<BlockRequest>()
    var lastReceivedAt: Instant
    var lastSentAt: Instant
    /// Since it was last looked at; see `SwarmConfiguration.maxStateMessages`.
    var stateMessages = 0
    /// The picker's `epoch` in which nothing was left for this peer; 0 for none.
    var dryEpoch: UInt64 = 0
    /// Bytes of blocks handed to the driver since it reported `drained`, how many these may be,
    /// and when the first of them were handed out.
    var releasedBytes = 0
    var releaseWindow: Int
    /// What has been completed by the bytes that are being read.
    var arrived = ArrivedBlocks()
    /// The pieces it may be asked for while it chokes us (BEP 6).
    var allowedFast: [UInt32] = []
    var pipeline: RequestPipeline
    /// What it was asked for and is cancelled, until it answers that; empty without the fast
    /// extension.
    var withdrawn = WithdrawnRequests()
    /// What it has rejected requests for without choking, and when it did so last.
    var refusedPieces: Set<Int> = []
    var refusedAt = Instant.zero
    /// When a block was last completed.
    var lastBlockAt = Instant.zero
    var decoder: PeerMessageDecoder
    /// Set once `active`.
    var record: PeerRecord
    /// The pieces it may ask for while it is choked, and how many bytes of them (BEP 6).
    var grantedFast: [UInt32] = []
    var grantedBytes = 0

    /// The other end of the connection.
    let endpoint: Endpoint
    let isOutgoing: Bool
    /// The place in the connection table.
    var index = 0
    /// Where the peer listens: dialled, or told in its extension handshake (BEP 10 `p`).
    var listenEndpoint: Endpoint?
    let connectedAt: Instant
    var handshakeBytes: [UInt8] = []

    /// Its id of the extension message `ut_metadata`; 0 for none (BEP 9).
    var metadataID: UInt8 = 0
    var metadata = MetadataQueue()

    // Downloading.
    /// The longest range of a piece, in bytes, that it answers with one `piece` message: a block,
    /// unless it said that it takes more (`mt_maxblock`).
    var maxRequestLength: Int
    /// The pieces it suggests to ask it for (BEP 6), and until when it is asked for little else.
    var suggested: [UInt32] = []
    var isGuidingUntil = Instant.zero
    var incoming = IncomingBlock.none
    /// When the block that is arriving was asked for; nil where it wasn't.
    var incomingSentAt: Instant?
    var downloadMeter = RateMeter()
    var snubbedAt = Instant.zero
    /// The slot of the piece it was last asked for; −1 for none.
    var currentSlot = -1
    var unrequestedBytes = 0
    /// Blocks of the present and the last choking round, in bytes, for the tit-for-tat rate.
    var roundBytes: Int64 = 0
    var roundRate = 0.0

    // Uploading.
    /// Bytes of the blocks in `uploadQueue`.
    var queuedBytes = 0
    var releasedAt = Instant.zero
    /// What the peer took, by `drained`, in all and in this choking round.
    var takenBytes = 0
    var takenInRound = 0
    var uploadMeter = RateMeter()
    /// Requests that were not served: over the queue's limit, while choked, of pieces not here.
    var refusedRequests = 0
    /// Since when it is interested and choked, or is unchoked.
    var choiceAt: Instant
    /// Bytes handed out since it was last unchoked.
    var servedBytes: Int64 = 0
    /// The pieces that were suggested to it and that it hasn't asked for (BEP 6).
    var told: [UInt32] = []
    /// How many pieces it has asked for in a row that others could have given it, and the last one.
    var heldBackCount = 0
    var lastHeldBack: UInt32?
    /// Unchoked for the chance that it proves a better partner than those chosen by rate.
    var isOptimistic = false

    init(
        id: ConnectionID, endpoint: Endpoint, isOutgoing: Bool, geometry: TorrentGeometry,
        configuration: SwarmConfiguration, record: PeerRecord, now: Instant
    ) {
        self.id = id
        self.endpoint = endpoint
        self.isOutgoing = isOutgoing
        self.record = record
        listenEndpoint = isOutgoing ? endpoint : nil
        connectedAt = now
        lastReceivedAt = now
        lastSentAt = now
        choiceAt = now
        pieces = Bitfield(bitCount: 0)
        pipeline = RequestPipeline(
            bounds: configuration.pipelineDepth,
            queueLimit: configuration.assumedRequestQueue)
        maxRequestLength = geometry.blockLength
        let released = configuration.releasedBytes
        releaseWindow = min(max(64 << 10, released.lowerBound), released.upperBound)
        let bitfieldFrame = 1 + (geometry.pieceCount + 7) / 8
        decoder = PeerMessageDecoder(
            maxFrameLength: max(configuration.maxFrameLength, bitfieldFrame),
            maxBlockLength: geometry.blockLength)
    }

    /// Whether it may be asked for a piece: it has it and hasn't refused it.
    func offers(_ piece: Int) -> Bool {
        pieces.contains(piece) && (refusedPieces.isEmpty || !refusedPieces.contains(piece))
    }

    /// Whether its choking allows that.
    func mayBeAsked(for piece: Int) -> Bool {
        !peerIsChoking || allowedFast.contains(UInt32(piece))
    }

    /// What it may be asked for.
    var offeredPieces: Bitfield {
        var offered = pieces
        for piece in refusedPieces { offered.remove(piece) }
        return offered
    }

    /// Whether it is asked for what it suggests and nothing else: as long as that keeps it busy.
    func isGuiding(at now: Instant) -> Bool {
        isGuidingUntil > now && 2 * pipeline.outstanding >= pipeline.depth
    }

    var isActive: Bool { phase == .active }
    /// Whether it waits for an upload slot.
    var isWaiting: Bool { peerIsInterested && amChoking }
    /// Whether it holds an upload slot that it doesn't need.
    var isSpare: Bool { holdsSlot && !peerIsInterested }
}

/// What becomes of the block that is arriving.
enum IncomingBlock {
    /// Between blocks. Exits: `wanted`, `unwanted`.
    case none
    /// Being stored. Exits: `none`, or `unwanted` when the block gets complete elsewhere.
    case wanted(slot: Int, block: Int)
    /// Being dropped. Exits: `none`.
    case unwanted
}

/// Blocks of one peer that were completed together.
struct ArrivedBlocks {
    private(set) var bytes = 0
    /// Those that were expected.
    private(set) var count = 0
    /// When the last of these was asked for.
    private(set) var sentAt = Instant.zero

    mutating func add(_ bytes: Int, sentAt: Instant, count: Int) {
        self.bytes += bytes
        self.count += count
        if count > 0 { self.sentAt = sentAt }
    }
}
