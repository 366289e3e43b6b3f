// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What may be asked of the steward. `serve` may ensure, lock and read output; the rest comes over the administrators' socket.
package enum StewardRequest: Sendable, Equatable, Codable {
    case ensure(EnsureRequest)
    case lock(LockRequest)
    case readOutput(ReadOutputRequest)
    /// What was read for which decision since the chain's event `after`, for `audit verify`. From: serve, administrators.
    case outputRecords(after: Int64, limit: Int)
    /// From: administrators.
    case unlock(cluster: ClusterName, user: UserName)
    /// Takes an account that Sallyport did not create into the managed record. From: administrators.
    case adopt(cluster: ClusterName, user: UserName)
    /// Removes an account that Sallyport created, after it was locked; the home stays. From: administrators.
    case remove(cluster: ClusterName, user: UserName)
    /// The managed record. From: administrators.
    case list(cluster: ClusterName)
    case health
}

/// An account is to exist, ready for a job. Home, shell, groups and Slurm accounts come from the steward's profile.
package struct EnsureRequest: Sendable, Equatable, Codable {
    package var cluster: ClusterName
    package var user: UserName
    package var uid: UserID
    package var profile: ProfileName
    package init(cluster: ClusterName, user: UserName, uid: UserID, profile: ProfileName) {
        self.cluster = cluster
        self.user = user
        self.uid = uid
        self.profile = profile
    }
}

package struct LockRequest: Sendable, Equatable, Codable {
    package var cluster: ClusterName
    package var user: UserName
    package init(cluster: ClusterName, user: UserName) {
        self.cluster = cluster
        self.user = user
    }
}

/// A piece of a job's output. Following is asking again from `offset + bytes.count`.
package struct ReadOutputRequest: Sendable, Equatable, Codable {
    package var cluster: ClusterName
    package var user: UserName
    package var job: JobID
    package var stream: OutputStream
    /// Bytes from the start of the file.
    package var offset: Int64
    /// The most bytes wanted; the steward's own limit applies as well.
    package var limit: Int
    /// The decision this is read for. It pays for one job's output, and for as long as `OutputRecord.life`.
    package var position: AuditPosition
    package init(
        cluster: ClusterName, user: UserName, job: JobID, stream: OutputStream, offset: Int64, limit: Int,
        position: AuditPosition
    ) {
        self.cluster = cluster
        self.user = user
        self.job = job
        self.stream = stream
        self.offset = offset
        self.limit = limit
        self.position = position
    }
}

/// That output was read for a decision: kept by the steward, compared with the chain by `audit verify`.
package struct OutputRecord: Sendable, Equatable, Codable {
    package var position: AuditPosition
    package var cluster: ClusterName
    package var user: UserName
    package var job: JobID
    /// When it was read first.
    package var time: Timestamp
    package init(position: AuditPosition, cluster: ClusterName, user: UserName, job: JobID, time: Timestamp) {
        self.position = position
        self.cluster = cluster
        self.user = user
        self.job = job
        self.time = time
    }

    /// How long a decision pays for asking again.
    package static let life: Duration = .seconds(600)
    /// How many records a page has at most.
    package static let mostPerPage = 2000
}

package enum StewardReply: Sendable, Equatable, Codable {
    case ensured(EnsuredAccount)
    case locked(KeeperReport)
    case output(OutputPiece)
    case outputRecords([OutputRecord])
    case done(KeeperReport)
    case list([ManagedRecord])
    case health(KeeperHealth)
    case refused(KeeperRefusal)
}

package struct EnsuredAccount: Sendable, Equatable, Codable {
    package var home: String
    /// Slurm accounts of the profile; the first is the default.
    package var accounts: [AccountName]
    /// False when everything was there already.
    package var changed: Bool
    package init(home: String, accounts: [AccountName], changed: Bool) {
        self.home = home
        self.accounts = accounts
        self.changed = changed
    }
}

/// What was done where, step by step.
package struct KeeperReport: Sendable, Equatable, Codable {
    package var steps: [Step]
    package init(steps: [Step]) { self.steps = steps }

    package struct Step: Sendable, Equatable, Codable {
        /// Such as `submission limit`, `requeue`, `account expiry`, `authorized_keys`, `cron and at`.
        package var name: String
        /// The node, or the cluster for what Slurm keeps.
        package var place: String
        package var outcome: Outcome
        /// For people: what was found, or why it failed.
        package var detail: String
        package init(name: String, place: String, outcome: Outcome, detail: String) {
            self.name = name
            self.place = place
            self.outcome = outcome
            self.detail = detail
        }
    }

    package enum Outcome: String, Sendable, Codable {
        case done
        case unchanged
        case failed
        case skipped
    }
}

package struct OutputPiece: Sendable, Equatable, Codable {
    /// base64 of the bytes.
    package var data: String
    /// The file's size in bytes when it was read.
    package var size: Int64
    /// Whether the job has ended, so that nothing will be added.
    package var final: Bool
    package init(data: String, size: Int64, final: Bool) {
        self.data = data
        self.size = size
        self.final = final
    }
}

/// One line of the managed record: an account that Sallyport made or adopted on one cluster.
package struct ManagedRecord: Sendable, Equatable, Codable {
    package var user: UserName
    package var uid: UserID
    package var profile: ProfileName
    package var origin: Origin
    package var state: State
    /// Grows with every change.
    package var revision: Int
    package init(user: UserName, uid: UserID, profile: ProfileName, origin: Origin, state: State, revision: Int) {
        self.user = user
        self.uid = uid
        self.profile = profile
        self.origin = origin
        self.state = state
        self.revision = revision
    }

    package enum Origin: String, Sendable, Codable {
        case created
        case adopted
        case directory
    }

    package enum State: String, Sendable, Codable {
        case active
        case locked
        case removed
    }
}
