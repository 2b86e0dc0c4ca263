import Glibc
import Testing

@testable import Options

/// A file in a temporary folder, removed with the value.
final class ConfigurationFile {
    let path: String
    private let folder: String

    init(_ text: String, named name: String = "test.conf") throws {
        var template = Array("/tmp/mtorrent-options-XXXXXX".utf8CString)
        folder = try #require(mkdtemp(&template).map { String(cString: $0) })
        mkdir(folder + "/mtorrent", 0o700)
        path = "\(folder)/mtorrent/\(name)"
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
    }

    /// What `XDG_CONFIG_HOME` names so that the file is found by default.
    var configHome: String { folder }

    deinit {
        unlink(path)
        rmdir(folder + "/mtorrent")
        rmdir(folder)
    }
}

private let parser = OptionParser(
    program: "mtorrent", usage: [""], options: [Option(long: "port", value: "N", help: "")])

private func message(ofFile text: String) throws -> String {
    let file = try ConfigurationFile(text)
    do {
        _ = try parser.parse(arguments: ["--config", file.path], environment: [:])
        return "no error"
    } catch {
        return error.message.replacing(file.path, with: "FILE")
    }
}

struct ConfigFileTests {
    @Test func `comments, blanks and spaces are skipped`() throws {
        let text = "\n# one\n  a=1\n\tb = two words # rest\r\nc = x#y\n"
        let settings = try ConfigFile.settings(in: text, path: "f")
        #expect(settings.map(\.key) == ["a", "b", "c"])
        #expect(settings.map(\.value) == ["1", "two words", "x#y"])
        #expect(settings.map(\.line) == [3, 4, 5])
    }

    @Test(arguments: ["port 1", "= 1", "port =", "port"])
    func `a malformed line is named`(line: String) throws {
        #expect(
            try message(ofFile: "# first\n\(line)\n") == "FILE:2: `\(line)` is not `name = value`")
    }

    @Test func `an unknown key is named with its line and the nearest`() throws {
        #expect(
            try message(ofFile: "prot = 1")
                == "FILE:1: prot: unknown option; did you mean `port`?")
    }

    @Test func `a file that is asked for must be readable text`() throws {
        #expect(throws: OptionError.self) {
            try parser.parse(arguments: ["--config=/nonexistent/x"], environment: [:])
        }
        #expect(throws: OptionError("/dev/zero: the config file is longer than 1 MiB")) {
            try parser.parse(arguments: ["--config=/dev/zero"], environment: [:])
        }
        #expect(try message(ofFile: "port = 1") == "no error")
    }

    @Test func `the default file is found under the config home and may be missing`() throws {
        let file = try ConfigurationFile("port = 5", named: "mtorrent.conf")
        let found = try parser.parse(
            arguments: [], environment: ["XDG_CONFIG_HOME": file.configHome])
        #expect(found.string("port") == "5")
        let missing = try parser.parse(
            arguments: [], environment: ["XDG_CONFIG_HOME": "relative", "HOME": "/nonexistent"])
        #expect(missing.string("port") == nil)
    }

    @Test func `the default path follows the base directory specification`() {
        let path = { ConfigFile.defaultPath(program: "p", environment: $0) }
        #expect(path(["XDG_CONFIG_HOME": "/x", "HOME": "/h"]) == "/x/mtorrent/p.conf")
        #expect(path(["XDG_CONFIG_HOME": "x", "HOME": "/h"]) == "/h/.config/mtorrent/p.conf")
        #expect(path([:]) == nil)
    }
}

struct SpellingTests {
    @Test func `edits are counted with swaps as one`() {
        #expect(Spelling.editDistance(Array("prot"), Array("port")) == 1)
        #expect(Spelling.editDistance(Array(""), Array("abc")) == 3)
        #expect(Spelling.editDistance(Array("kitten"), Array("sitting")) == 3)
    }

    @Test func `only a near word is suggested`() {
        let known = ["login", "logout", "list_files", "list_groups"]
        #expect(Spelling.nearest(to: "lgoin", among: known) == "login")
        #expect(Spelling.nearest(to: "list_file", among: known) == "list_files")
        #expect(Spelling.nearest(to: "list_f", among: known) == "list_files")
        #expect(Spelling.nearest(to: "upload", among: known) == nil)
    }
}
