import Foundation
import Peer

exit(
    PeerProgram.run(
        arguments: Array(CommandLine.arguments.dropFirst()),
        environment: ProcessInfo.processInfo.environment))
