// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// Runs tasks on the event loops, and keeps a task on the loop that woke it.
///
/// A short request then crosses from thread to thread only where it must, instead of once at every `await`: on a small
/// machine that is most of what a request costs. Work that computes for long goes beside the loops (`besideLoops`), and
/// nothing that may block for longer than a page of the disk's cache takes is called from here.
package final class LoopExecutor: TaskExecutor {
    package static let shared = LoopExecutor()

    private let group = MultiThreadedEventLoopGroup.singleton

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        group.any().execute { job.runSynchronously(on: executor) }
    }
}

/// Runs `body`, which computes for long, where it holds no event loop up.
package func besideLoops<Value: Sendable>(_ body: @Sendable () throws -> Value) async rethrows -> Value {
    try await withTaskExecutorPreference(globalConcurrentExecutor) { try body() }
}
