import FuzzEntries
import Glibc

/// The entry that FUZZ_ENTRY names. libFuzzer, which has the program's beginning and its command
/// line, gives it one input after the other.
private let entry: FuzzEntry = {
    let name = getenv("FUZZ_ENTRY").map { String(cString: $0) } ?? ""
    guard let entry = FuzzEntry(rawValue: name) else {
        let names = FuzzEntry.allCases.map(\.rawValue).joined(separator: ", ")
        fatalError("FUZZ_ENTRY is to be one of \(names)")
    }
    return entry
}()

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    entry.run(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
}
