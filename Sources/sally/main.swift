// SPDX-License-Identifier: Apache-2.0

import SallyCommands

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

// A reader that goes away is an error of write(2), which SallyMain turns into the status of SIGPIPE.
signal(SIGPIPE, SIG_IGN)
exit(await SallyMain.run(Array(CommandLine.arguments.dropFirst()), in: .system()))
