import Peer
import Testing

struct CommandWordsTests {
    @Test func `words are separated by any number of blanks and tabs`() throws {
        #expect(try CommandWords.split("  login\talice   secret ") == ["login", "alice", "secret"])
        #expect(try CommandWords.split("").isEmpty)
        #expect(try CommandWords.split(" \t ").isEmpty)
    }

    @Test func `quotes keep blanks and may be empty`() throws {
        #expect(try CommandWords.split("a 'b c' d") == ["a", "b c", "d"])
        #expect(try CommandWords.split(#"a "b c" """#) == ["a", "b c", ""])
        #expect(try CommandWords.split("''") == [""])
    }

    @Test func `quoted and bare parts join into one word`() throws {
        #expect(try CommandWords.split(#"/tmp/'my file'".txt""#) == ["/tmp/my file.txt"])
    }

    @Test func `a backslash makes the next character ordinary`() throws {
        #expect(
            try CommandWords.split(#"my\ file \"x\" \\ \'"#) == ["my file", "\"x\"", "\\", "'"])
    }

    @Test func `double quotes know only escaped quotes and backslashes`() throws {
        #expect(try CommandWords.split(#""a\"b\\c\n""#) == [#"a"b\c\n"#])
    }

    @Test func `single quotes keep backslashes`() throws {
        #expect(try CommandWords.split(#"'a\b"c'"#) == [#"a\b"c"#])
    }

    @Test func `what is left open is named`() {
        #expect(throws: CommandWords.Problem.openQuote("'")) { try CommandWords.split("a 'b") }
        #expect(throws: CommandWords.Problem.openQuote("\"")) { try CommandWords.split("a \"b'") }
        #expect(throws: CommandWords.Problem.trailingBackslash) { try CommandWords.split("a\\") }
        #expect(throws: CommandWords.Problem.trailingBackslash) { try CommandWords.split("\"a\\") }
    }

    @Test(arguments: ["plain", "two words", "it's", #"back\slash"#, "\"q\"", "#tag", "", "ü 中\t文"])
    func `a quoted word splits back into itself`(word: String) throws {
        #expect(try CommandWords.split(CommandWords.quoted(word)) == [word])
    }

    @Test func `comments and blank lines hold no command`() {
        #expect(CommandWords.isBlankOrComment(""))
        #expect(CommandWords.isBlankOrComment("  \t"))
        #expect(CommandWords.isBlankOrComment("  # list_groups"))
        #expect(!CommandWords.isBlankOrComment("list_groups # x"))
    }

    @Test func `completion sees finished words and the one being typed`() {
        var seen = CommandWords.partial("upload_file my\\ fi")
        #expect(seen.finished == ["upload_file"])
        #expect(seen.current == "my fi")
        seen = CommandWords.partial("upload_file 'my fi")
        #expect(seen.current == "my fi")
        seen = CommandWords.partial("upload_file ")
        #expect(seen.finished == ["upload_file"])
        #expect(seen.current == "")
    }

    @Test func `the raw word before the cursor keeps its quotes`() {
        #expect(CommandWords.rawCurrentWord("upload_file my\\ fi") == "my\\ fi")
        #expect(CommandWords.rawCurrentWord("upload_file 'a b") == "'a b")
        #expect(CommandWords.rawCurrentWord("upload_file ") == "")
        #expect(CommandWords.rawCurrentWord("up") == "up")
    }
}
