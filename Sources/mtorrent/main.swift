import FoundationEssentials
import Glibc
import Peer

exit(
    PeerProgram.run(
        arguments: Array(CommandLine.arguments.dropFirst()),
        environment: ProcessInfo.processInfo.environment))
