import Peer
import Testing

struct NearestNameTests {
    private let known = ["login", "logout", "list_groups", "list_files", "upload_file", "exit"]

    @Test(arguments: [
        ("logn", "login"), ("lgoin", "login"), ("Login", "login"), ("list_group", "list_groups"),
        ("uplod_file", "upload_file"), ("upload", "upload_file"), ("exti", "exit"),
    ])
    func `a mistyped name finds the one that was meant`(typed: String, meant: String) {
        #expect(NearestName.find(typed, among: known) == meant)
    }

    @Test(arguments: ["", "xyz", "frobnicate", String(repeating: "l", count: 100_000)])
    func `a name that is near none finds none`(typed: String) {
        #expect(NearestName.find(typed, among: known) == nil)
    }
}
