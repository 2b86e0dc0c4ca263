import Testing

@testable import Wire

struct TextTests {
    @Test(arguments: ["a", "A.b_c-9", String(repeating: "x", count: 64), "..", "-"])
    func `ids are 1 to 64 letters, digits, dots, underscores and hyphens`(text: String) {
        #expect(Identifier.isValid(text))
    }

    @Test(arguments: [
        "", String(repeating: "x", count: 65), "a b", "a/b", "ä", "a\n", "a\0", "a:b", "а", "a@b",
    ])
    func `anything else is no id`(text: String) {
        #expect(!Identifier.isValid(text))
    }

    @Test(arguments: [
        "a", "...", ".hidden", "with space", "ü\n\u{202e}", String(repeating: "x", count: 255), "~",
    ])
    func `file names are single path components`(name: String) {
        #expect(FileName.isValid(name))
    }

    @Test(arguments: [
        "", ".", "..", "a/b", "/", "a\0", String(repeating: "ä", count: 128),
    ])
    func `anything else is no file name`(name: String) {
        #expect(!FileName.isValid(name))
    }

    @Test(arguments: [
        ("plain text", "plain text"),
        ("Grüße 日本 👍🏽 👩‍👩‍👧 می‌خواهم", "Grüße 日本 👍🏽 👩‍👩‍👧 می‌خواهم"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\u{1b}[31mred\u{7}", "\\u{1b}[31mred\\u{7}"),
        ("\u{9b}2J\u{7f}\0", "\\u{9b}2J\\u{7f}\\u{0}"),
        ("exe.\u{202e}txt\u{2066}\u{200f}", "exe.\\u{202e}txt\\u{2066}\\u{200f}"),
        ("\u{2028}\u{2029}\u{feff}\u{ad}", "\\u{2028}\\u{2029}\\u{feff}\\u{ad}"),
        ("back\\slash", "back\\slash"),
        ("\r\n", "\\r\\n"),
    ])
    func `what could deceive on a terminal is escaped`(text: String, safe: String) {
        #expect(terminalSafe(text) == safe)
    }
}
