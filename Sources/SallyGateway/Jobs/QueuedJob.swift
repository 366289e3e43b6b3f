// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyWire
import SlurmModel

/// A job as the gateway knows it: what its owner sees, and what only the gateway looks at.
///
/// A reference to what does not change: snapshots share it, and a list of 100,000 is 800 kB.
package struct QueuedJob: Sendable, Equatable {
    private var kept: Kept

    /// - Parameters:
    ///   - view: without our marker.
    ///   - owner: nil for a uid that Slurm cannot name.
    ///   - array: the array that it is a task of.
    ///   - marker: of the submission that made it, if the gateway did.
    ///   - record: all that Slurm reports of it, packed (`SlurmRecord`), our marker included; empty where the job was not
    ///     read from the queue and is no component that accounting tells of.
    ///   - isCommented: whether Slurm reports a comment of it, whatever it says.
    ///   - isRequeued: whether Slurm reports that it began again.
    package init(
        view: JobView, owner: UserName?, array: JobID?, marker: SubmissionMarker?, record: [UInt8] = [],
        isCommented: Bool = false, isRequeued: Bool = false
    ) {
        kept = Kept(
            view: view, json: JobJSON.bytes(view), record: record, owner: owner, array: array, marker: marker,
            isCommented: isCommented, isRequeued: isRequeued, isStale: false)
    }

    package var view: JobView {
        get { kept.view }
        set { kept = kept.changed(view: newValue, json: JobJSON.bytes(newValue)) }
    }

    package var owner: UserName? { kept.owner }

    package var array: JobID? {
        get { kept.array }
        set { kept = kept.changed(array: newValue) }
    }

    package var marker: SubmissionMarker? {
        get { kept.marker }
        set { kept = kept.changed(marker: newValue) }
    }

    /// Whether Slurm reports a comment of it, whatever it says.
    package var isCommented: Bool { kept.isCommented }

    /// Whether Slurm reports that it began again; accounting says so from v0.0.42 on.
    package var isRequeued: Bool { kept.isRequeued }

    /// Its states are newer than the rest, or the rest is what we know of our own submission.
    package var isStale: Bool {
        get { kept.isStale }
        set { if newValue != kept.isStale { kept = kept.changed(isStale: newValue) } }
    }

    /// Where `isStale`, its states are older than the view's.
    package var record: [UInt8] { kept.record }

    /// `view` as API v1 writes it, made once.
    var json: [UInt8] { kept.json }

    var id: JobID { kept.view.job }

    /// The number that it was submitted under.
    var base: JobID { kept.array ?? kept.view.job }

    private var states: [JobState] { kept.view.states.map { JobState($0) } }

    var isPending: Bool { states.isPending }
    var isFinished: Bool { kept.isFinished }
    /// Ended, or on its way there.
    var isEnding: Bool { kept.isFinished || states.contains(.completing) }

    package static func == (left: QueuedJob, right: QueuedJob) -> Bool {
        left.kept === right.kept
            || left.kept.owner == right.kept.owner && left.kept.array == right.kept.array
                && left.kept.marker == right.kept.marker && left.kept.isStale == right.kept.isStale
                && left.kept.isCommented == right.kept.isCommented && left.kept.isRequeued == right.kept.isRequeued
                && left.kept.json == right.kept.json && left.kept.record == right.kept.record
    }

    /// Whether its owner sees no difference.
    func isShown(like other: QueuedJob) -> Bool { kept === other.kept || kept.json == other.kept.json }

    private final class Kept: Sendable {
        let view: JobView
        let json: [UInt8]
        let record: [UInt8]
        let owner: UserName?
        let array: JobID?
        let marker: SubmissionMarker?
        let isCommented: Bool
        let isRequeued: Bool
        let isStale: Bool
        let isFinished: Bool

        init(
            view: JobView, json: [UInt8], record: [UInt8], owner: UserName?, array: JobID?,
            marker: SubmissionMarker?, isCommented: Bool, isRequeued: Bool, isStale: Bool
        ) {
            self.view = view
            self.json = json
            self.record = record
            self.owner = owner
            self.array = array
            self.marker = marker
            self.isCommented = isCommented
            self.isRequeued = isRequeued
            self.isStale = isStale
            isFinished = view.states.map { JobState($0) }.isFinished
        }

        func changed(view: JobView, json: [UInt8]) -> Kept {
            Kept(
                view: view, json: json, record: record, owner: owner, array: array, marker: marker,
                isCommented: isCommented, isRequeued: isRequeued, isStale: isStale)
        }

        func changed(array: JobID?) -> Kept {
            Kept(
                view: view, json: json, record: record, owner: owner, array: array, marker: marker,
                isCommented: isCommented, isRequeued: isRequeued, isStale: isStale)
        }

        func changed(marker: SubmissionMarker?) -> Kept {
            Kept(
                view: view, json: json, record: record, owner: owner, array: array, marker: marker,
                isCommented: isCommented, isRequeued: isRequeued, isStale: isStale)
        }

        func changed(isStale: Bool) -> Kept {
            Kept(
                view: view, json: json, record: record, owner: owner, array: array, marker: marker,
                isCommented: isCommented, isRequeued: isRequeued, isStale: isStale)
        }
    }
}

extension QueuedJob: CustomStringConvertible {
    package var description: String { String(decoding: json, as: UTF8.self) + (isStale ? " (stale)" : "") }
}
