import Testing

@testable import PeerCore

struct QueueTests {
    @Test func `it does as an array does`() {
        var random = SeededRandom(seed: 4)
        var queue = Queue<Int>()
        var model: [Int] = []
        for step in 0..<20_000 {
            switch random.below(10) {
            case 0..<5:
                queue.append(step)
                model.append(step)
            case 5..<9:
                guard !model.isEmpty else { continue }
                #expect(queue.removeFirst() == model.removeFirst())
            default:
                guard !model.isEmpty else { continue }
                let index = random.below(model.count)
                #expect(queue.remove(at: index) == model.remove(at: index))
            }
            #expect(queue.count == model.count && queue.first == model.first)
        }
        #expect((0..<queue.count).map { queue[$0] } == model)
    }
}
