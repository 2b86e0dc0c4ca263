import Wire

/// Files and links that people get from others. What can be read is written again, and has to be
/// the same then.
enum FileInput {
    static func torrent(_ bytes: UnsafeRawBufferPointer) {
        guard let metainfo = try? Metainfo(decoding: [UInt8](bytes)) else { return }
        check(metainfo.info)
        let again = try? Metainfo(decoding: metainfo.encoded())
        precondition(again?.info == metainfo.info, "a torrent file reads as it was written")
    }

    static func mtorrent(_ bytes: UnsafeRawBufferPointer) {
        guard let file = try? MTorrentFile(parsing: [UInt8](bytes)) else { return }
        check(file.info)
        let again = try? MTorrentFile(parsing: file.text)
        precondition(
            again?.info == file.info && again?.trackers == file.trackers,
            "a .mtorrent file reads as it was written")
    }

    static func bencode(_ bytes: UnsafeRawBufferPointer) {
        guard let (value, length) = try? Bencode.decodePrefix(bytes) else { return }
        let encoded = value.encoded()
        precondition(
            encoded.elementsEqual(bytes.prefix(length)), "only the canonical encoding is read")
    }

    static func magnet(_ bytes: UnsafeRawBufferPointer) {
        guard let text = String(validating: bytes, as: UTF8.self),
            let link = try? MagnetLink(text)
        else { return }
        _ = terminalSafe(link.name ?? "")
        _ = link.trackerEndpoints
        // Escaping makes a link longer, perhaps too long to be read.
        guard link.description.utf8.count <= MagnetLink.maxLength else { return }
        let again = try? MagnetLink(link.description)
        precondition(
            again?.infoHash == link.infoHash && again?.peers == link.peers,
            "a magnet link reads as it was written")
    }

    /// What every description holds that has been read, whoever wrote it.
    static func check(_ info: Info) {
        precondition(FileName.isValid(info.name), "the name is a single path component")
        var end: Int64 = 0
        for file in info.files {
            precondition(file.offset == end && file.length >= 0, "files lie end to end")
            end += file.length
            if info.isDirectory {
                precondition(
                    !file.path.isEmpty && file.path.allSatisfy { FileName.isValid($0) },
                    "a path leads below the directory")
            }
        }
        precondition(end == info.length, "files are all there is")
        guard info.pieceCount > 0 else { return precondition(info.length == 0) }
        let last = info.pieceCount - 1
        precondition(
            info.offset(ofPiece: last) + Int64(info.length(ofPiece: last)) == info.length,
            "pieces are all there is")
    }
}
