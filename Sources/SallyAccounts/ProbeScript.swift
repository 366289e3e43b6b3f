// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// The script that looks at accounts on one machine. It changes nothing. `NodeObservation` reads its answer.
///
/// However many accounts are asked about, it starts the same few programs.
package enum ProbeScript {
    /// - Parameters:
    ///   - accounts: name, uid and home of each; nil where only the name is known.
    ///   - setup: what else they are to have.
    package static func make(
        _ accounts: [Subject], groups: Set<String>, setup: ClusterSetup? = nil, on node: NodeName,
        in layout: ClusterLayout
    ) -> String {
        var calls = ["probe_users", shellCall("probe_groups", groups.sorted())]
        if let setup {
            calls += ["probe_host_keys", shellCall("probe_known", [setup.trust.cluster.rawValue])]
            if let scratch = setup.scratch {
                let paths = accounts.flatMap { [scratch.folder(of: $0.name), scratch.link(of: $0.name)] }
                calls.append(hereDocument("probe_paths", paths.compactMap { $0.map { [$0] } }))
            }
            if node == layout.homeServer {
                calls.append(shellCall("probe_ssh", ["sally:\(setup.trust.cluster):"]))
            }
        }
        if node == layout.homeServer, layout.mode == .everywhere || layout.mode == .controller {
            calls.append("probe_homes")
        }
        if node == layout.controller {
            calls.append("probe_record")
            switch layout.slurm {
            case .required: calls.append("probe_slurm")
            case .whereInstalled: calls.append("if command -v scontrol >/dev/null; then probe_slurm; fi")
            case .ignored: break
            }
        }
        return script(accounts, calls, in: layout)
    }

    /// Who has these names, and which uids and gids of `range` are taken: what has to be known to choose uids.
    static func names(_ users: [UserRequest], range: ClosedRange<UInt32>, on node: NodeName, in layout: ClusterLayout)
        -> String
    {
        var calls = ["probe_users", shellCall("probe_taken", ["\(range.lowerBound)", "\(range.upperBound)"])]
        if node == layout.controller { calls.append("probe_record") }
        if node == layout.homeServer, users.contains(where: \.adoptsHome) { calls.append("probe_homes") }
        return script(users.map { Subject(name: $0.name, uid: nil, home: $0.home) }, calls, in: layout)
    }

    /// Only the lines of the managed record about `name` and `uid`, for the controller. Asks nothing of Slurm.
    static func records(_ name: UserName, _ uid: UserID, in layout: ClusterLayout) -> String {
        script([Subject(name: name, uid: uid, home: nil)], ["probe_record"], in: layout)
    }

    package struct Subject: Sendable, Equatable {
        package var name: UserName
        package var uid: UserID?
        package var home: String?
        package init(name: UserName, uid: UserID?, home: String?) {
            self.name = name
            self.uid = uid
            self.home = home
        }

        /// Name, uid and home, separated by tabs; `-` for what is not known.
        fileprivate var row: [String] { [name.rawValue, uid.map { "\($0)" } ?? "-", home ?? "-"] }
    }

    private static func script(_ accounts: [Subject], _ calls: [String], in layout: ClusterLayout) -> String {
        let subjects = hereDocument("read_subjects", accounts.map(\.row))
        return layout.prologue + library + TrustProbe.library + AssociationScript.names
            + main([subjects] + calls + ["printf 'end\\n'"])
    }

    /// Standard input of bash may be the script itself: what runs in it reads from /dev/null instead.
    static func main(_ calls: [String]) -> String {
        "main() {\n" + calls.joined(separator: "\n") + "\n}\nmain </dev/null\n"
    }

    private static let library = #"""
        emit() { local IFS=$'\t'; printf '%s\n' "$*"; }
        # Names and uids are keys of getent(1), which finds what a directory service does not enumerate.
        read_subjects() {
            subjects=$(cat)
            names=$(cut -f1 <<<"$subjects")
            uids=$(cut -f2 <<<"$subjects" | grep -vx -e -)
        }
        entries() { xargs -r -d '\n' getent "$1" <<<"$2"; }
        probe_users() {
            local found gids
            found=$(entries passwd "$names" | tr '\t' ' ')
            awk -F: -v OFS='\t' 'NF { print "user", $1, $0 }' <<<"$found"
            [ -z "$uids" ] || entries passwd "$uids" | tr '\t' ' ' | awk -F: -v OFS='\t' '{ print "owner", $3, $0 }'
            # Days since 1970, as in shadow(5).
            entries shadow "$names" | awk -F: -v OFS='\t' -v today="$(($(date +%s) / 86400))" \
                '$8 != "" { print "expiry", $1, $8 } $8 != "" && $8 + 0 <= today { print "expired", $1 }'
            # name, gid: the primary group, then the others
            gids=$(awk -F: 'NF { print $1, $4 }' <<<"$found"
                cut -d: -f1 <<<"$found" | grep . | xargs -r -d '\n' getent initgroups |
                    awk '{ for (i = 2; i <= NF; i++) print $1, $i }')
            awk -v OFS='\t' 'FILENAME == ARGV[1] { split($0, part, ":"); name[part[3]] = part[1]; next }
                NF { print "member", $1, ($2 in name ? name[$2] : $2), $2 }' \
                <(entries group "$(cut -d' ' -f2 <<<"$gids" | sort -u)") <(sort -u <<<"$gids")
        }
        # The groups that are asked about, and those that have a subject's name or its uid for a gid.
        probe_groups() {
            { entries group "$names"; [ -z "$uids" ] || entries group "$uids"; [ $# = 0 ] || getent group "$@"; } |
                awk -F: -v OFS='\t' '{ print "group", $1, $3 }' | sort -u
        }
        # probe_taken LOW HIGH: by passwd, group, the record, and owners of what is in /home.
        probe_taken() {
            { getent passwd; getent group; } | cut -d: -f3 |
                { cat; sed -nE 's/^\{"user":"[^"]*","uid":([0-9]+),.*/\1/p' "$state/accounts.jsonl" 2>/dev/null
                    find /home -mindepth 1 -maxdepth 1 -printf '%U\n%G\n' 2>/dev/null; } |
                awk -v OFS='\t' -v low="$1" -v high="$2" '$1 + 0 >= low && $1 + 0 <= high && !($1 in seen) { seen[$1]; print "taken", $1 + 0 }'
        }
        # What lies where homes belong, and what else beside them has one of the uids.
        probe_homes() {
            local homes parents
            homes=$(cut -f3 <<<"$subjects" | grep -vx -e -) || return 0
            xargs -r -d '\n' stat --printf 'home\t%n\t%F\t%u\n' <<<"$homes" 2>/dev/null
            [ -n "$uids" ] || return 0
            parents=$(sed 's,/[^/]*$,,' <<<"$homes" | sort -u)
            awk -F'\t' -v OFS='\t' 'FILENAME == ARGV[1] { uid[$0]; next } FILENAME == ARGV[2] { home[$0]; next }
                $1 in uid && !($2 in home) { print "stray", $1, $2 }' <(printf '%s\n' "$uids") <(printf '%s\n' "$homes") \
                <(xargs -r -d '\n' sh -c 'find "$@" -mindepth 1 -maxdepth 1 \( -name "*[![:print:]]*" \
                    -printf "%U\t%h/(a name that cannot be printed)\n" -o -printf "%U\t%p\n" \)' sh <<<"$parents" 2>/dev/null)
        }
        # Lines of the record have their keys in a fixed order: the name is the fourth part between quotes.
        probe_record() {
            [ ! -f "$state/accounts.jsonl" ] || awk -F'"' 'FILENAME == ARGV[1] { name[$0]; next }
                FILENAME == ARGV[2] { uid[":" $0 ","]; next }
                $4 in name || $7 in uid { print "record\t" $0 }' \
                <(printf '%s\n' "$names") <(printf '%s\n' "$uids") "$state/accounts.jsonl"
        }
        probe_slurm() {
            local config cluster daemons name uid list said
            config=$(scontrol show config) || exit 69
            cluster=$(sed -n 's/^ClusterName *= *//p' <<<"$config") && [ -n "$cluster" ] || exit 69
            daemons=$(sed -nE 's/^Slurmd?User *= *([^(]+)\(([0-9]+)\) *$/\1 \2/p' <<<"$config")
            [ "$(wc -l <<<"$daemons")" -eq 2 ] || exit 69
            while read -r name uid; do emit daemon "$name" "$uid"; done <<<"$daemons"
            ! grep -qiE '^AccountingStorageEnforce *= *.*(associations|limits|qos|safe|wckeys)' <<<"$config" || emit enforced
            list=$(slurm_names "$names")
            said=$(sacctmgr -nP show user ${list:+where name="$list"} format=user,adminlevel) || exit 69
            of_subjects admin <<<"$said"
            said=$(sacctmgr -nP show assoc where cluster="$cluster" ${list:+user="$list"} format=user,account) || exit 69
            of_subjects association <<<"$said"
        }
        of_subjects() {
            awk -F'|' -v OFS='\t' -v kind="$1" 'FILENAME == ARGV[1] { name[$0]; next }
                $1 in name && $2 != "" { print kind, $1, $2 }' <(printf '%s\n' "$names") -
        }

        """#
}
