// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel

/// The scripts that lock, unlock and remove users on one machine, one for all users. Each reports a step of a user on a line
/// of its own and ends with `end`; whatever becomes of one user, the others are done.
enum RemovalScript {
    /// A user as one machine is told of.
    struct Row: Sendable, Equatable {
        var user: UserName
        var uid: UserID
        /// Where authorized_keys is, on the machine that serves homes; nil elsewhere.
        var home: String?
    }

    /// What a machine is.
    enum Place: Sendable {
        /// Slurm is asked here.
        case controller
        case other
    }

    static func lock(_ rows: [Row], slurm users: [Row], _ place: Place, in layout: ClusterLayout) -> String {
        var calls: [String] = []
        if !rows.isEmpty { calls.append(hereDocument("lock_users", rows.map(\.fields))) }
        if place == .controller, !users.isEmpty {
            calls.append(hereDocument("slurm_lock_users", users.map(\.nameAndUID)))
        }
        // Last, because users decide how many processes there are.
        if !rows.isEmpty { calls.append(hereDocument("end_all_sessions", rows.map(\.nameAndUID))) }
        return script(calls, in: layout)
    }

    static func unlock(_ rows: [Row], slurm users: [Row], _ place: Place, in layout: ClusterLayout) -> String {
        var calls: [String] = []
        if !rows.isEmpty { calls.append(hereDocument("unlock_users", rows.map(\.fields))) }
        if place == .controller, !users.isEmpty {
            calls.append(hereDocument("slurm_unlock_users", users.map(\.nameAndUID)))
        }
        return script(calls, in: layout)
    }

    /// - Precondition: the users are locked and have no jobs.
    static func remove(_ users: [Row], _ place: Place, in layout: ClusterLayout) -> String {
        let rows = users.map(\.nameAndUID)
        var calls = place == .controller ? [hereDocument("forget_associations", rows)] : []
        calls.append(hereDocument("remove_users", rows))
        return script(calls, in: layout)
    }

    /// - Precondition: the users' accounts are gone on every machine.
    static func discard(
        _ users: [Row], homes: String?, scratch: ClusterSetup.Scratch?, in layout: ClusterLayout
    ) -> String {
        var calls: [String] = []
        if let homes {
            calls.append(
                hereDocument("discard_folders home", users.map { $0.nameAndUID + ["\(homes)/\($0.user)", "-"] }))
        }
        if let scratch {
            let rows = users.map {
                $0.nameAndUID + [scratch.folder(of: $0.user), scratch.link(of: $0.user) ?? "-"]
            }
            calls.append(hereDocument("discard_folders scratch", rows))
        }
        return script(calls, in: layout)
    }

    /// For the controller, with its lock held: new lines of the managed record.
    static func record(_ lines: [ManagedRecord], replacing before: [String], in layout: ClusterLayout) -> String {
        let rows = before.map { ["before", $0] } + lines.map { ["after", $0.line] }
        return script([hereDocument("record_lines", rows)], in: layout)
    }

    /// Lists jobs of `users` that have not ended: `job`, uid and number of each, then `end`.
    static func jobs(of users: [Row], in layout: ClusterLayout) -> String {
        script([hereDocument("jobs_left", users.map { ["\($0.uid)"] })], in: layout)
    }

    private static func script(_ calls: [String], in layout: ClusterLayout) -> String {
        layout.prologue + AccountScript.stepLibrary + RecordScript.library + ExpiryScript.keeping
            + SlurmScript.library + QOSScript.library
            + SessionScript.library + LockScript.library + MassLockScript.library + MassSessionScript.library
            + MassSlurmScript.library + LeaveScript.library
            + ProbeScript.main(["hold_record", "hold_vault"] + calls + ["printf 'end\\n'"])
    }
}

extension RemovalScript.Row {
    fileprivate var nameAndUID: [String] { [user.rawValue, "\(uid)"] }
    fileprivate var fields: [String] { nameAndUID + [home ?? "-"] }
}
