// SPDX-License-Identifier: Apache-2.0

/// One at a time per key, in order of arrival. A waiter that is cancelled leaves the queue.
actor KeyedLock<Key: Hashable & Sendable> {
    private var queues: [Key: [Waiter]] = [:]
    private var next: UInt64 = 0

    private struct Waiter {
        var id: UInt64
        var continuation: CheckedContinuation<Void, any Error>
    }

    /// Runs `body` while nobody else runs one for `key`.
    nonisolated func withLock<Value: Sendable>(
        _ key: Key, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await acquire(key)
        do {
            let value = try await body()
            await release(key)
            return value
        } catch {
            await release(key)
            throw error
        }
    }

    private func acquire(_ key: Key) async throws {
        try Task.checkCancellation()
        guard queues[key] != nil else {
            queues[key] = []
            return
        }
        next += 1
        let id = next
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                if Task.isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    queues[key, default: []].append(Waiter(id: id, continuation: continuation))
                }
            }
        } onCancel: {
            // The only way from a synchronous handler onto the actor; it ends at once.
            Task { await self.leave(key, id) }
        }
    }

    /// How many wait for their turn.
    func waiting(_ key: Key) -> Int { queues[key]?.count ?? 0 }

    private func leave(_ key: Key, _ id: UInt64) {
        guard let index = queues[key]?.firstIndex(where: { $0.id == id }) else { return }
        queues[key]?.remove(at: index).continuation.resume(throwing: CancellationError())
    }

    private func release(_ key: Key) {
        if queues[key]?.isEmpty == false {
            queues[key]?.removeFirst().continuation.resume()
        } else {
            queues[key] = nil
        }
    }
}
