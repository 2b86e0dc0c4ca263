import Glibc
import Tracker

exit(TrackerProgram.run(arguments: Array(CommandLine.arguments.dropFirst())))
