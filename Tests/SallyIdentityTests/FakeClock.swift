// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Synchronization

/// A clock that stands still until a test moves it.
final class FakeClock: WallClock {
    private let time = Mutex<Timestamp>(Timestamp(1_800_000_000))
    var now: Timestamp { time.withLock { $0 } }
    func advance(_ duration: Duration) { time.withLock { $0 = $0 + duration } }
}
