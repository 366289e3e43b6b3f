// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyConfig
import SallyLog
import SallyModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Says what went wrong on standard error, one line, the hint on a second, and ends with the code's exit status.
func report(_ error: SallyError) -> Never {
    complain("sallyd: \(error.message)")
    if let hint = error.hint { complain("        \(hint)") }
    if let cause = error.cause { complain("        cause: \(cause)") }
    exit(error.code.exitStatus)
}

func complain(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// Loads a file, or says every problem that it has.
func loaded<Value>(_ load: () throws(ConfigError) -> Value) throws -> Value {
    do {
        return try load()
    } catch {
        throw error.error
    }
}

/// The log of a daemon: standard error, from `level` upwards.
func makeLogger(_ daemon: String, level: Logger.Level) -> Logger {
    LoggingSystem.bootstrap { LineLogHandler(label: $0) }
    var logger = Logger(label: "sallyd.\(daemon)")
    logger.logLevel = level
    return logger
}

/// The system's clock.
struct SystemWallClock: WallClock {
    var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(Int64(time.tv_sec))
    }
}
