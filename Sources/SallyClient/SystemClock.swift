// SPDX-License-Identifier: Apache-2.0

package import SallyModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// This machine's clock.
package struct SystemClock: WallClock {
    package init() {}
    package var now: Timestamp {
        var moment = timespec()
        clock_gettime(CLOCK_REALTIME, &moment)
        return Timestamp(Int64(moment.tv_sec))
    }
}
