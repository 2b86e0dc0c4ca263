import Testing

@Suite struct CommandHistoryTests {
    private static let zero = ContinuousClock.now

    private func call(
        _ user: String, _ action: CommandHistory.Action, _ start: Int, _ end: Int,
        _ answer: CommandHistory.Answer
    ) -> CommandHistory.Call {
        CommandHistory.Call(
            group: "g", user: user, action: action, start: Self.zero + .seconds(start),
            end: Self.zero + .seconds(end), answer: answer)
    }

    private func isExplained(_ calls: CommandHistory.Call...) -> Bool {
        CommandHistory(calls: calls).unexplained.isEmpty
    }

    @Test func `answers that follow each other are explained by their order`() {
        #expect(
            isExplained(
                call("a", .create, 0, 1, .done), call("b", .create, 2, 3, .exists),
                call("b", .leave, 4, 5, .notMember), call("a", .leave, 6, 7, .done),
                call("a", .leave, 8, 9, .absent), call("b", .create, 10, 11, .done),
                call("", .look, 12, 13, .owner("b"))))
    }

    @Test func `of commands at the same time any may come first`() {
        #expect(
            isExplained(call("a", .create, 0, 9, .exists), call("b", .create, 1, 8, .done)))
        #expect(
            isExplained(
                call("a", .create, 0, 9, .done), call("b", .create, 1, 8, .done),
                call("b", .leave, 2, 7, .done)))
        #expect(!isExplained(call("a", .create, 0, 9, .done), call("b", .create, 1, 8, .done)))
    }

    @Test func `what was acknowledged can't be lost, nor what was not asked for be there`() {
        #expect(!isExplained(call("a", .create, 0, 1, .done), call("", .look, 2, 3, .owner(nil))))
        #expect(!isExplained(call("", .look, 2, 3, .owner("a"))))
        #expect(
            !isExplained(call("a", .create, 0, 1, .done), call("", .look, 2, 3, .owner("b"))))
        #expect(
            !isExplained(
                call("a", .create, 0, 1, .exists), call("b", .create, 2, 3, .done)))
    }

    @Test func `what may have been done may be done at any time after it was asked for`() {
        let unknown = call("a", .create, 0, 1, .unknown)
        #expect(isExplained(unknown, call("b", .create, 2, 3, .exists)))
        #expect(isExplained(unknown, call("b", .create, 2, 3, .done)))
        #expect(
            isExplained(
                unknown, call("b", .create, 2, 3, .done), call("b", .leave, 4, 5, .done),
                call("b", .create, 6, 7, .exists)))
        #expect(
            !isExplained(
                call("b", .create, 2, 3, .exists), call("a", .create, 4, 5, .unknown)))
    }
}
