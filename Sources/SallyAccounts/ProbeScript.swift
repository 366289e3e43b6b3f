// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// The script that looks at accounts on one machine. It changes nothing. `NodeObservation` reads its answer.
///
/// However many accounts are asked about, it starts the same few programs.
package enum ProbeScript {
    /// Everything that matters for accounts whose names are known, and their uids mostly.
    package static func make(
        _ accounts: [Subject], groups: Set<String>, on node: NodeName, in layout: ClusterLayout
    ) -> String {
        let calls = [shellCall("probe_users", groups.sorted())] + subordinate(accounts) + ["probe_entries"]
        return script(accounts, calls + homes(on: node, in: layout) + authority(on: node, in: layout), in: layout)
    }

    /// For users whose uids are to be chosen: also which uids and gids of `range` are taken. About uids that are likely to be
    /// chosen it asks in advance: those that the users have there, and the lowest that are free there.
    ///
    /// - Parameter setup: what else they are to have.
    static func first(
        _ users: [UserRequest], range: ClosedRange<UInt32>, setup: ClusterSetup?, on node: NodeName,
        in layout: ClusterLayout
    ) -> String {
        let bounds = ["\(range.lowerBound)", "\(range.upperBound)"]
        let folders = HomeMarks.folders(users.map(\.home))
        // All other machines have the same homes, or get nobody.
        let searched = node == layout.homeServer ? Set(folders + [HomeMarks.usualFolder]).sorted() : []
        var calls = [
            shellCall("probe_users", Set(users.flatMap(\.groups)).sorted()),
            shellCall("probe_taken", bounds + searched), shellCall("probe_subordinate", bounds), "probe_entries",
        ]
        if layout.accountNodes.contains(node) {
            calls.append(shellCall("probe_marks", folders))
        }
        if let setup {
            calls += ["probe_host_keys", shellCall("probe_known", [setup.trust.cluster.rawValue])]
            if let scratch = setup.scratch {
                let paths = users.flatMap { [scratch.folder(of: $0.name), scratch.link(of: $0.name)] }
                calls.append(hereDocument("probe_paths", paths.compactMap { $0.map { [$0] } }))
            }
            if node == layout.homeServer { calls.append(shellCall("probe_ssh", ["sally:\(setup.trust.cluster):"])) }
        }
        calls += homes(on: node, in: layout) + authority(on: node, in: layout)
        if node == layout.controller, setup?.keys.source != nil { calls.append("probe_standing") }
        return script(users.map { Subject(name: $0.name, uid: nil, home: $0.home) }, calls, in: layout)
    }

    /// What `first` did not say because nobody knew the uids: to be added to its answer.
    static func uids(of accounts: [Subject], on node: NodeName, in layout: ClusterLayout) -> String {
        var calls = subordinate(accounts) + ["probe_entries"] + homes(on: node, in: layout)
        if node == layout.controller { calls.append("probe_record") }
        return script(accounts, calls, in: layout)
    }

    /// Only the lines of the managed record about `name` and `uid`, for the controller. Asks nothing of Slurm.
    static func records(_ name: UserName, _ uid: UserID, in layout: ClusterLayout) -> String {
        script([Subject(name: name, uid: uid, home: nil)], ["probe_record"], in: layout)
    }

    package struct Subject: Sendable, Equatable {
        package var name: UserName
        package var uid: UserID?
        package var home: String?
        /// nil for what is not known.
        package init(name: UserName, uid: UserID?, home: String?) {
            self.name = name
            self.uid = uid
            self.home = home
        }

        /// Name, uid and home, separated by tabs; `-` for what is not known.
        fileprivate var row: [String] { [name.rawValue, uid.map { "\($0)" } ?? "-", home ?? "-"] }
    }

    /// Whether the uids are somebody's for containers.
    private static func subordinate(_ accounts: [Subject]) -> [String] {
        let uids = accounts.compactMap(\.uid?.rawValue)
        guard let low = uids.min(), let high = uids.max() else { return [] }
        return [shellCall("probe_subordinate", ["\(low)", "\(high)"])]
    }

    private static func homes(on node: NodeName, in layout: ClusterLayout) -> [String] {
        let areLocal = layout.mode == .everywhere || layout.mode == .controller
        return node == layout.homeServer && areLocal ? ["probe_homes"] : []
    }

    /// What the controller alone knows.
    private static func authority(on node: NodeName, in layout: ClusterLayout) -> [String] {
        guard node == layout.controller else { return [] }
        let own = ["probe_record", "probe_expiring"]
        switch layout.slurm {
        case .required: return own + ["probe_slurm"]
        case .whereInstalled: return own + ["if command -v scontrol >/dev/null; then probe_slurm; fi"]
        case .ignored: return own
        }
    }

    private static func script(_ accounts: [Subject], _ calls: [String], in layout: ClusterLayout) -> String {
        let subjects = hereDocument("read_subjects", accounts.map(\.row))
        return layout.prologue + ScriptParts.library + library + TrustProbe.library + ExpiryScript.probe
            + SubordinateIDs.probe + HomeMarks.library + AssociationScript.names
            + main([subjects] + calls + ["printf 'end\\n'"])
    }

    /// Standard input of bash may be the script itself: what runs in it reads from /dev/null instead.
    static func main(_ calls: [String]) -> String {
        "main() {\n" + calls.joined(separator: "\n") + "\n}\nmain </dev/null\n"
    }

    static let library = #"""
        emit() { local IFS=$'\t'; printf '%s\n' "$*"; }
        read_subjects() {
            local name uid home
            names=() uids=() homes=() here=() groups=() memberships=
            while IFS=$'\t' read -r name uid home; do
                names+=("$name")
                [ "$uid" = - ] || uids+=("$uid")
                [ "$home" = - ] || homes+=("$home")
            done
        }
        # probe_users GROUP...: who has these names. Leaves what is to be asked about besides: in $here the names that are
        # there, in $uids their uids too, in $groups the names, the groups that are named, and the gids of $memberships.
        probe_users() {
            local found entry name uid gid shell others
            local -A own=()
            groups=("${names[@]}" "$@")
            found=$(in_parts names getent passwd)
            [ -n "$found" ] || return 0
            while IFS= read -r entry; do
                IFS=: read -r name _ uid gid _ _ shell <<<"$entry"
                printf 'user\t%s\t%s\n' "$name" "${entry//$'\t'/ }"
                has_shell "$shell" || emit shellless "$name"
                here+=("$name") uids+=("$uid") own[$gid]=1
                memberships+="$name $gid"$'\n'
            done <<<"$found"
            others=$(in_parts here getent initgroups)
            while read -r name gid; do for gid in $gid; do own[$gid]=1; done; done <<<"$others"
            groups+=("${!own[@]}")
            memberships+=$others
        }
        # probe_taken LOW HIGH FOLDER...: uids and gids by passwd, group, the record, and owners of what is in the folders. As many of
        # the lowest that nobody has go to $uids as there are names without a user: they are likely to be chosen.
        probe_taken() {
            local said low=$1 high=$2 wanted=$((${#names[@]} - ${#here[@]}))
            [ "$wanted" -gt 0 ] || return 0
            shift 2
            said=$({
                getent passwd
                getent group
                [ ! -f "$state/accounts.jsonl" ] || cat "$state/accounts.jsonl"
                [ $# = 0 ] || find "$@" -mindepth 1 -maxdepth 1 -printf '::%U\n::%G\n' 2>/dev/null
            } | awk -F: -v OFS='\t' -v low="$low" -v high="$high" -v wanted="$wanted" '
                { uid = $3 + 0 }  # a line of the record has there: 20001,"profile"
                uid >= low && uid <= high && !(uid in taken) { taken[uid]; print "taken", uid }
                END {
                    printf "free"
                    for (uid = low + 0; wanted > 0 && uid <= high; uid++) if (!(uid in taken)) { printf " %d", uid; wanted-- }
                }')
            [[ $said == *free* ]] || exit 69
            uids+=(${said##*free})
            printf '%s' "${said%free*}"
        }
        # Names, gids and uids are keys of getent(1), which finds what a directory service does not enumerate. Days are counted
        # from 1970, as in shadow(5).
        probe_entries() {
            local today keys=("${groups[@]}" "${uids[@]}")
            printf -v today '%(%s)T' -1
            [ "${#uids[@]}" = 0 ] || printf 'asked\t%s\n' "${uids[@]}"
            {
                printf '= owners\n'
                in_parts uids getent passwd
                printf '= shadow\n'
                in_parts here getent shadow
                printf '= groups\n'
                in_parts keys getent group
                printf '= memberships\n%s\n' "$memberships"
            } | awk -F: -v OFS='\t' -v today="$((today / 86400))" '
                /^= [a-z]+$/ { part = $0; next }
                part == "= owners" { gsub(/\t/, " "); print "owner", $3, $0 }
                part == "= shadow" && $8 != "" { print "expiry", $1, $8; if ($8 + 0 <= today) print "expired", $1 }
                part == "= groups" { name[$3] = $1; if (!seen[$1, $3]++) print "group", $1, $3 }
                part == "= memberships" {
                    count = split($0, gid, " ")
                    for (i = 2; i <= count; i++)
                        if (!member[gid[1], gid[i]]++) print "member", gid[1], (gid[i] in name ? name[gid[i]] : gid[i]), gid[i]
                }'
        }
        # What lies where homes belong, and what else beside them has one of the uids.
        probe_homes() {
            local home parents=()
            local -A above=()
            in_parts homes stat --printf 'home\t%n\t%F\t%u\n' 2>/dev/null
            [ "${#uids[@]}" -gt 0 ] || return 0
            for home in "${homes[@]}"; do above[${home%/*}/]=1; done
            parents=("${!above[@]}")
            { printf '%s\n' "${uids[@]}" '= homes' "${homes[@]}" '= found'; in_parts parents list_owners; } |
                awk -F'\t' -v OFS='\t' '
                    /^= [a-z]+$/ { part = $0; next }
                    part == "" { uid[$0]; next }
                    part == "= homes" { home[$0]; next }
                    $1 in uid && !($2 in home) { print "stray", $1, $2 }'
        }
        list_owners() {
            find "$@" -mindepth 1 -maxdepth 1 \( -name "*[![:print:]]*" -printf "%U\t%h/(a name that cannot be printed)\n" \
                -o -printf "%U\t%p\n" \) 2>/dev/null
        }
        # Lines of the record have their keys in a fixed order: the name is the fourth part between quotes.
        probe_record() {
            [ ! -f "$state/accounts.jsonl" ] || printf '%s\n' "${names[@]}" '= uids' "${uids[@]}" | awk -F'"' '
                NR == FNR && /^= [a-z]+$/ { part = $0; next }
                NR == FNR && part == "" { name[$0]; next }
                NR == FNR { uid[":" $0 ","]; next }
                $4 in name || $7 in uid { print "record\t" $0 }' - "$state/accounts.jsonl"
        }
        # Everybody of the record who was not removed: the last line of a name counts.
        probe_standing() {
            [ ! -f "$state/accounts.jsonl" ] || awk -F'"' -v OFS='\t' '
                $4 ~ /^[a-z_][a-z0-9_-]*$/ { line[$4] = $0 }
                END { for (name in line) if (line[name] !~ /"state":"removed"/) print "standing", name }' "$state/accounts.jsonl"
        }
        probe_slurm() {
            local config cluster daemons name uid list said
            config=$(scontrol show config) || exit 69
            cluster=$(sed -n 's/^ClusterName *= *//p' <<<"$config") && [ -n "$cluster" ] || exit 69
            daemons=$(sed -nE 's/^Slurmd?User *= *([^(]+)\(([0-9]+)\) *$/\1 \2/p' <<<"$config")
            [ "$(wc -l <<<"$daemons")" -eq 2 ] || exit 69
            while read -r name uid; do emit daemon "$name" "$uid"; done <<<"$daemons"
            ! grep -qiE '^AccountingStorageEnforce *= *.*(associations|limits|qos|safe|wckeys)' <<<"$config" || emit enforced
            list=$(printf '%s\n' "${names[@]}")
            list=$(slurm_names "$list")
            said=$(sacctmgr -nP show user ${list:+where name="$list"} format=user,adminlevel) || exit 69
            of_subjects admin <<<"$said"
            said=$(sacctmgr -nP show assoc where cluster="$cluster" ${list:+user="$list"} format=user,account) || exit 69
            of_subjects association <<<"$said"
        }
        of_subjects() {
            awk -F'|' -v OFS='\t' -v kind="$1" 'FILENAME == ARGV[1] { name[$0]; next }
                $1 in name && $2 != "" { print kind, $1, $2 }' <(printf '%s\n' "${names[@]}") -
        }

        """#
}
