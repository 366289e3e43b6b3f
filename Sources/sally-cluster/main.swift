// SPDX-License-Identifier: Apache-2.0

import ClusterCommands

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

exit(
    await Program.run(
        Array(CommandLine.arguments.dropFirst()), calledAs: CommandLine.arguments.first ?? ""))
