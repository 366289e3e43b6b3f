// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// Shows a process another wall clock than the machine's: a library that it loads first (ld.so(8), LD_PRELOAD).
enum OtherClock {
    static let missing: Comment = "no C compiler: the clock of a process cannot be changed"

    static let isPossible = (variable("PATH") ?? "").split(separator: ":").contains { exists("\($0)/clang") }

    /// Makes the library for a clock that is so many seconds ahead, or behind where negative.
    ///
    /// - Returns: its path.
    static func library(_ seconds: Int, in folder: String) async throws -> String {
        let path = "\(folder)/clock.so"
        try writeFile("\(folder)/clock.c", source)
        let made = try await runProgram(
            "clang", ["-shared", "-fPIC", "-O1", "-DSKEW=(\(seconds))", "-o", path, "\(folder)/clock.c"],
            environment: ["PATH": variable("PATH") ?? "/usr/bin:/bin"])
        guard made.status == 0 else { throw Failure("no library for another clock: \(made)") }
        return path
    }

    private static let source = """
        #define _GNU_SOURCE
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>
        int clock_gettime(clockid_t clock, struct timespec *now) {
            int result = syscall(SYS_clock_gettime, clock, now);
            if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += SKEW;
            return result;
        }
        int gettimeofday(struct timeval *restrict now, void *restrict zone) {
            struct timespec value;
            (void)zone;
            clock_gettime(CLOCK_REALTIME, &value);
            now->tv_sec = value.tv_sec;
            now->tv_usec = value.tv_nsec / 1000;
            return 0;
        }
        time_t time(time_t *place) {
            struct timespec value;
            clock_gettime(CLOCK_REALTIME, &value);
            if (place) *place = value.tv_sec;
            return value.tv_sec;
        }

        """
}
