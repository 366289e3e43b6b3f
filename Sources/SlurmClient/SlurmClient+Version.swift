// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyModel
import SlurmModel
import StrictJSON
import Synchronization

extension SlurmClient {
    /// Runs `body` in the version that is served. A daemon that was upgraded under us knows the old paths no more, and says
    /// so before it does anything: then `body` runs a second time, in another version.
    ///
    /// - Throws: what `body` throws; before that what never means that the request proper was sent.
    func served<Result>(
        _ token: SlurmToken, _ body: (APIVersion) async throws(SlurmError) -> Result
    ) async throws(SlurmError) -> Result {
        let before = try await servedVersion(token)
        let gone: SlurmError
        do throws(SlurmError) {
            return try await body(before)
        } catch {
            guard case .badReply(404?, _) = error, !version.isPinned else { throw error }
            gone = error
        }
        version.forget(before)
        let found: APIVersion
        do throws(SlurmError) { found = try await servedVersion(token) } catch { throw gone }
        guard found != before else { throw gone }
        return try await body(found)
    }

    /// The pinned version, the one found before, or the newest that answers.
    private func servedVersion(_ token: SlurmToken) async throws(SlurmError) -> APIVersion {
        if let known = version.known { return known }
        var refusal: SlurmError?
        for candidate in APIVersion.spoken {
            do throws(SlurmError) {
                let answer = try await exchange.send(.ping(candidate, deadline: deadline), token: token)
                guard answer.json["pings"] != nil else {
                    // Slurm's own word, such as slurmctld being away, says nothing about versions.
                    if answer.status != 404, let word = SlurmReply(answer.json, version: candidate).refusal {
                        // The request proper was not sent, whatever became of this one.
                        refusal = word.leavesOutcomeOpen ? .unreachable(reason: word.text) : .refused(word)
                    }
                    continue
                }
                version.remember(candidate)
                logger.info("API version found", metadata: ["version": "\(candidate)"])
                return candidate
            } catch {
                switch error {
                // A version that is not served answers 404 with a text.
                case .badReply(404?, _): continue
                // 22.05 looks for the user's name before it looks at the path, and newer versions are asked without.
                case .authentication: refusal = error
                case .refused, .notOffered, .unreachable, .noCommonVersion, .badReply, .timeout: throw error.unsent
                }
            }
        }
        throw refusal ?? .noCommonVersion(served: [])
    }
}

/// The API version in use.
final class VersionMemory: Sendable {
    private let pinned: APIVersion?
    private let found = Mutex<APIVersion?>(nil)

    init(pinned: APIVersion?) { self.pinned = pinned }

    var isPinned: Bool { pinned != nil }
    var known: APIVersion? { pinned ?? found.withLock { $0 } }
    func remember(_ version: APIVersion) { found.withLock { $0 = version } }

    /// Unless another was found meanwhile.
    func forget(_ version: APIVersion) {
        found.withLock { found in
            if found == version { found = nil }
        }
    }
}
