// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyModel
package import SallyPolicy
package import SlurmModel
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

    /// Takes up the newest version that slurmrestd serves by now, if it is newer than the one in use. An upgrade of Slurm that
    /// still serves the old one makes nothing fail: nobody else would notice.
    ///
    /// - Returns: the version that was taken up; nil where none is newer, where the version is pinned, and before one was found.
    /// - Throws: where slurmrestd gave no answer, or one that says nothing; the version in use stays.
    package func takeUpNewerVersion(
        _ read: Authorized<SystemAction>, token: SlurmToken
    ) async throws(SlurmError) -> APIVersion? {
        guard !version.isPinned, let current = version.known else { return nil }
        let newer = APIVersion.spoken.filter { $0 > current }
        guard let found = try await newest(of: newer, token).found, version.replace(current, with: found) else {
            return nil
        }
        logger.info("newer API version taken up", metadata: ["version": "\(found)", "before": "\(current)"])
        return found
    }

    /// The pinned version, the one found before, or the newest that answers.
    private func servedVersion(_ token: SlurmToken) async throws(SlurmError) -> APIVersion {
        if let known = version.known { return known }
        let answer = try await newest(of: APIVersion.spoken, token)
        guard let found = answer.found else { throw answer.refusal ?? .noCommonVersion(served: []) }
        version.remember(found)
        logger.info("API version found", metadata: ["version": "\(found)"])
        return found
    }

    /// The first that is served of `candidates`, which are the newest first; and, where none is, Slurm's word for it.
    private func newest(
        of candidates: [APIVersion], _ token: SlurmToken
    ) async throws(SlurmError) -> (found: APIVersion?, refusal: SlurmError?) {
        var refusal: SlurmError?
        for candidate in candidates {
            switch try await presence(of: candidate, token) {
            case .served: return (candidate, nil)
            case .absent(let word): refusal = word ?? refusal
            }
        }
        return (nil, refusal)
    }

    private enum Presence {
        case served
        /// Not served, or Slurm would not tell, and in which words.
        case absent(SlurmError?)
    }

    /// - Throws: what never means that the request proper was sent.
    private func presence(of candidate: APIVersion, _ token: SlurmToken) async throws(SlurmError) -> Presence {
        do throws(SlurmError) {
            let answer = try await exchange.send(.ping(candidate, deadline: deadline), token: token)
            if answer.json["pings"] != nil { return .served }
            // Slurm's own word, such as slurmctld being away, says nothing about versions.
            guard answer.status != 404, let word = SlurmReply(answer.json, version: candidate).refusal else {
                return .absent(nil)
            }
            // The request proper was not sent, whatever became of this one.
            return .absent(word.leavesOutcomeOpen ? .unreachable(reason: word.text) : .refused(word))
        } catch {
            switch error {
            // A version that is not served answers 404 with a text.
            case .badReply(404?, _): return .absent(nil)
            // 22.05 looks for the user's name before it looks at the path, and newer versions are asked without.
            case .authentication: return .absent(error)
            case .refused, .notOffered, .unreachable, .noFreeConnection, .noCommonVersion, .badReply, .timeout:
                throw error.unsent
            }
        }
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
    ///
    /// - Returns: whether it was done.
    func replace(_ version: APIVersion, with other: APIVersion) -> Bool {
        found.withLock { found in
            guard found == version else { return false }
            found = other
            return true
        }
    }

    /// Unless another was found meanwhile.
    func forget(_ version: APIVersion) {
        found.withLock { found in
            if found == version { found = nil }
        }
    }
}
