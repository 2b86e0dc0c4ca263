import FoundationEssentials
import Glibc

exit(
    SimulationProgram.run(
        arguments: Array(CommandLine.arguments.dropFirst()),
        environment: ProcessInfo.processInfo.environment))
