import FoundationEssentials

/// Why bytes aren't the JSON that is expected.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where in the document, such as `holdings[2].info_hash`; empty for the document itself.
    package var path: String
    /// What is wrong there.
    package var problem: String

    package init(path: String, problem: String) {
        self.path = path
        self.problem = problem
    }

    package var description: String { path.isEmpty ? problem : "\(path): \(problem)" }
}

/// JSON as both programs read and write it (RFC 8259).
package enum WireJSON {
    /// The document of a value: UTF-8, keys sorted, slashes not escaped. The value must be one
    /// that JSON can hold (no infinite numbers), as all of the API's are.
    package static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return [UInt8](try encoder.encode(value))
        } catch {
            preconditionFailure("not representable in JSON: \(error)")
        }
    }

    /// The value a document holds. Unknown keys are ignored.
    package static func decode<T: Decodable>(
        _ type: T.Type, from bytes: some Collection<UInt8>
    ) throws(JSONError) -> T {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw JSONError(error)
        } catch {
            throw JSONError(path: "", problem: "not valid JSON")
        }
    }
}

extension JSONError {
    fileprivate init(_ error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context):
            self.init(path: Self.path(context.codingPath + [key]), problem: "is missing")
        case .valueNotFound(_, let context):
            self.init(path: Self.path(context.codingPath), problem: "must not be null")
        case .typeMismatch(_, let context):
            self.init(path: Self.path(context.codingPath), problem: "has the wrong type")
        case .dataCorrupted(let context):
            let path = Self.path(context.codingPath)
            let problem = path.isEmpty ? "not valid JSON" : context.debugDescription
            self.init(path: path, problem: problem)
        @unknown default:
            self.init(path: "", problem: "not the expected JSON")
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.reduce(into: "") { path, key in
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += (path.isEmpty ? "" : ".") + key.stringValue
            }
        }
    }
}
