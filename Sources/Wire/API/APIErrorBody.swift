/// The body of every answer that isn't a success: `{"error":{"code":…,"message":…}}`.
package struct APIErrorBody: Codable, Hashable, Sendable {
    /// What went wrong, for programs, and in words that name the thing and the remedy.
    package struct Detail: Codable, Hashable, Sendable {
        /// Snake-case, such as `name_taken`.
        package var code: String
        package var message: String

        private enum CodingKeys: String, CodingKey {
            case code
            case message
        }
    }

    package var error: Detail

    package init(code: String, message: String) {
        error = Detail(code: code, message: message)
    }

    private enum CodingKeys: String, CodingKey {
        case error
    }
}
