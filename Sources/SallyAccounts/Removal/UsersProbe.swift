// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The script that looks at users of the managed record on one machine. It changes nothing, and starts the same few
/// programs however many users there are. `UsersObservation` reads its answer.
enum UsersProbe {
    /// Whom the controller is asked about.
    enum Whom: Sendable, Equatable {
        case all
        case named([UserName])
    }

    /// What `sally cluster users list` shows besides.
    enum Detail: Sendable {
        case accounts
        case everything
    }

    /// For the controller, which has the record and with it the uids.
    static func controller(_ whom: Whom, _ detail: Detail, in layout: ClusterLayout) -> String {
        let names =
            switch whom {
            case .all: ["subjects_of_record all </dev/null"]
            case .named(let names): [hereDocument("subjects_of_record named", names.map { [$0.rawValue] })]
            }
        var calls = names + ["probe_lines", "probe_accounts"]
        if detail == .everything {
            switch layout.slurm {
            case .required: calls.append("probe_associations")
            case .whereInstalled: calls.append("if command -v scontrol >/dev/null; then probe_associations; fi")
            case .ignored: break
            }
            if layout.homeServer == layout.controller { calls.append("probe_keys") }
            calls += marks(layout.controller, in: layout)
        }
        return script(calls, in: layout)
    }

    /// For any other machine.
    static func make(
        _ subjects: [(name: UserName, uid: UserID)], _ detail: Detail, on node: NodeName, in layout: ClusterLayout
    ) -> String {
        var calls = [
            hereDocument("subjects_given", subjects.map { [$0.name.rawValue, "\($0.uid)"] }), "probe_accounts",
        ]
        if detail == .everything {
            if node == layout.homeServer { calls.append("probe_keys") }
            calls += marks(node, in: layout)
        }
        return script(calls, in: layout)
    }

    private static func marks(_ node: NodeName, in layout: ClusterLayout) -> [String] {
        layout.accountNodes.contains(node) ? [shellCall("probe_marks", [HomeMarks.usualFolder])] : []
    }

    private static func script(_ calls: [String], in layout: ClusterLayout) -> String {
        layout.prologue + library + HomeMarks.library + AssociationScript.names
            + ProbeScript.main(calls + ["printf 'end\\n'"])
    }

    /// Lines of the record have their keys in a fixed order: between quotes the name is the fourth part, the uid in the
    /// seventh.
    private static let library = #"""
        emit() { local IFS=$'\t'; printf '%s\n' "$*"; }
        set_subjects() {
            subjects=$1
            names=$(cut -f1 <<<"$subjects")
            uids=$(cut -f2 <<<"$subjects" | grep -vx -e -)
        }
        subjects_given() { set_subjects "$(cat)"; }
        # subjects_of_record all|named: reads names; `-` for the uid of whom the record does not have.
        subjects_of_record() {
            local asked file=$state/accounts.jsonl
            asked=$(cat)
            [ -f "$file" ] || file=/dev/null
            set_subjects "$(awk -F'"' -v all="$1" '
                FILENAME == ARGV[1] { if ($0 != "") { uid[$0] = "-"; order[++count] = $0 } next }
                all == "all" && !($4 in uid) { order[++count] = $4; uid[$4] = "-" }
                $4 in uid { gsub(/[:,]/, "", $7); uid[$4] = $7 }
                END { for (i = 1; i <= count; i++) print order[i] "\t" uid[order[i]] }' \
                <(printf '%s\n' "$asked") "$file")"
        }
        probe_lines() {
            [ ! -f "$state/accounts.jsonl" ] || awk -F'"' 'FILENAME == ARGV[1] { name[$0]; next }
                FILENAME == ARGV[2] { uid[":" $0 ","]; next }
                $4 in name || $7 in uid { print "record\t" $0 }' \
                <(printf '%s\n' "$names") <(printf '%s\n' "$uids") "$state/accounts.jsonl"
        }
        entries() { [ -z "$2" ] || xargs -r -d '\n' getent "$1" <<<"$2"; }
        # Days since 1970, as in shadow(5).
        probe_accounts() {
            emit today "$(($(date +%s) / 86400))"
            entries passwd "$names" | tr '\t' ' ' | awk -F: -v OFS='\t' 'NF { print "user", $1, $0 }'
            entries passwd "$uids" | tr '\t' ' ' | awk -F: -v OFS='\t' 'NF { print "owner", $3, $0 }'
            entries shadow "$names" | awk -F: -v OFS='\t' '$8 != "" { print "expires", $1, $8 }'
        }
        probe_associations() {
            local cluster list said
            cluster=$(scontrol show config | sed -n 's/^ClusterName *= *//p') && [ -n "$cluster" ] || exit 69
            list=$(slurm_names "$names")
            said=$(sacctmgr -nP show assoc where cluster="$cluster" ${list:+user="$list"} format=user,account) || exit 69
            awk -F'|' -v OFS='\t' 'FILENAME == ARGV[1] { name[$0]; next }
                $1 in name && $2 != "" { print "association", $1, $2 }' <(printf '%s\n' "$names") - <<<"$said"
        }
        # Who has a line in authorized_keys that lets somebody in from outside. No link is followed, no device or pipe is
        # read, and nothing of what is read is said.
        probe_keys() {
            local homes files
            homes=$(entries passwd "$names" | awk -F: '$6 ~ "^/" { print $6 "/.ssh\t" $1 }')
            files=$(cut -f1 <<<"$homes" | grep . | xargs -r -d '\n' sh -c 'find "$@" -maxdepth 1 -type f \
                \( -name authorized_keys -o -name authorized_keys2 \) -printf "%p\n"' sh 2>/dev/null)
            [ -n "$files" ] || return 0
            files=$(xargs -r -d '\n' timeout 30 grep -slvE -D skip -e '^[[:space:]]*(#|$)' -e ' sally:[^ ]+:nodes$' -- <<<"$files")
            awk -F'\t' -v OFS='\t' 'FILENAME == ARGV[1] { sub(/\/[^\/]*$/, ""); has[$0]; next }
                $1 in has { print "key", $2 }' <(printf '%s\n' "$files") <(printf '%s\n' "$homes")
        }

        """#
}
