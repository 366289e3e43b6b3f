// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel

/// The script that changes one machine, from a plan's steps: each kind of step once, for all accounts that need it. It
/// reports each step of each account on a line of its own and ends with `end`. What fails ends the later steps of that
/// account, because they stand on the earlier ones, and of no other.
package enum AccountScript {
    /// The managed record has changed since the plan was made: look again (EX_TEMPFAIL).
    static let recordChanged: Int32 = 75

    /// - Parameters:
    ///   - material: keys for the steps that need them.
    ///   - homes: what the machine has to find before anything is done there.
    package static func make(
        _ steps: [AccountStep], material: SSHMaterial? = nil, homes: HomeMarks = HomeMarks(), in layout: ClusterLayout
    ) -> String {
        let first =
            homes.ids.isEmpty
            ? [] : [hereDocument("same_homes", homes.ids.sorted { $0 < $1 }.map { [$0.key, $0.value] })]
        return layout.prologue + stepLibrary + RecordScript.library + library + ExpiryScript.keeping
            + ExpiryScript.library + HomeScript.library
            + (material == nil ? "" : SSHScript.library + ScratchScript.library)
            + (homes.ids.isEmpty ? "" : HomeMarks.comparingLibrary)
            + SlurmScript.library + AssociationScript.library
            + ProbeScript.main(first + ["hold_record"] + calls(steps, material, in: layout) + ["printf 'end\\n'"])
    }

    /// By kind, in the order in which they stand on each other.
    private static func calls(_ steps: [AccountStep], _ material: SSHMaterial?, in layout: ClusterLayout) -> [String] {
        var rows: [String: [[String]]] = [:]
        var last: [String] = []
        if let material {
            let users = steps.compactMap { step -> DesiredAccount? in
                if case .authorize(let account, _) = step { account } else { nil }
            }
            let read = shellCall("read_ssh", ["sally:\(material.trust.cluster)"])
            rows[read] = users.map(material.row)
            last = users.isEmpty ? [] : ["authorize_users"]
        }
        let made = Set(steps.compactMap { step in if case .create(let account) = step { account.name } else { nil } })
        for step in steps {
            switch step {
            case .record(let records, let before):
                rows["record_lines", default: []] +=
                    before.map { ["before", $0] } + records.map { ["after", $0.line] }
            case .create(let account):
                rows["create_accounts", default: []].append([
                    account.name.rawValue, "\(account.uid)", account.home, account.shell, account.gecos,
                ])
            case .change(let account):
                rows["change_accounts", default: []].append([account.name.rawValue, account.shell, account.gecos])
            case .join(let name, let groups):
                rows["join_groups", default: []].append([name.rawValue, groups.joined(separator: ",")])
            case .expire(let name, let day):
                rows["expire_accounts", default: []].append([name.rawValue, "\(day.days)"])
                if made.contains(name) { rows["foresee_expiry", default: []].append([name.rawValue, "\(day.days)"]) }
            case .makeHome(let account):
                rows["make_homes", default: []].append([account.name.rawValue, "\(account.uid)", account.home])
            case .associate(let account):
                // Where no machine knows people, slurmctld never has a uid for the association.
                rows["associate_users", default: []].append([
                    account.name.rawValue, layout.mode == .none ? "-" : "\(account.uid)",
                    account.accounts.map(\.rawValue).joined(separator: ","),
                ])
            case .authorize: break
            case .blocked(let account, let reason):
                rows["block_users", default: []].append([account.name.rawValue, reason])
            case .makeScratch(let account, let scratch):
                let make = shellCall("make_scratch", [scratch.folders, scratch.links ?? "-"])
                rows[make, default: []].append([account.name.rawValue, "\(account.uid)"])
            case .knownHosts(let lines):
                rows[shellCall("known_hosts", [material.map { "\($0.trust.cluster)" } ?? ""])] = lines.map { [$0] }
            }
        }
        let order = [
            "record_lines", "foresee_expiry", "create_accounts", "change_accounts", "join_groups", "expire_accounts",
            "block_users",
            "read_ssh",
            "make_homes",
            "make_scratch",
            "associate_users", "known_hosts",
        ]
        return order.flatMap { name in
            rows.filter { $0.key == name || $0.key.hasPrefix("\(name) ") }.map { hereDocument($0.key, $0.value) }
        } + last
    }

    /// `report STEP OUTCOME DETAIL [USER]`; `spoil USER STEP DETAIL`, the end of the user's steps; `fail STEP DETAIL [STATUS]`,
    /// the end of everybody's.
    static let stepLibrary =
        ScriptParts.library + #"""
            report() {
                local detail=${3//[$'\t\n\r']/ }
                printf 'step\t%s\t%s\t%s%s\n' "$1" "$2" "${detail:0:300}" "${4:+$'\t'$4}"
            }
            fail() { report "$1" failed "$2"; printf 'end\n'; exit "${3:-1}"; }
            # roots_own FOLDER...: no link leads to any, and nobody but root can put something else in its place, or in that of a
            # folder above it, or write to it. Folders above may be sticky.
            roots_own() {
                local folder at owner mode kind all=() own=()
                for folder; do
                    case $folder/ in [!/]* | *//* | */./* | */../*) return 1 ;; esac
                    at=$folder
                    all+=("$at") own+=(1)
                    while [ "$at" != / ]; do
                        at=${at%/*}
                        at=${at:-/}
                        all+=("$at") own+=("")
                    done
                done
                at=0
                while read -r owner mode kind; do
                    [ "$kind" = directory ] && [ "$owner" = 0 ] || return 1
                    ((8#$mode & 8#22)) && { [ -n "${own[at]}" ] || ! ((8#$mode & 8#1000)); } && return 1
                    at=$((at + 1))
                done < <(stat -c '%u %a %F' -- "${all[@]}" 2>/dev/null)
                [ "$at" = "${#all[@]}" ]
            }
            # fresh_folder FOLDER: an empty one that root alone can reach, whatever was there.
            fresh_folder() {
                [ ! -L "$1" ] && [ ! -e "$1" ] || rm -rf --one-file-system -- "$1"
                mkdir -m 0700 -- "$1"
            }
            declare -A spoiled=()
            spoil() { spoiled[$1]=1; report "$2" failed "$3" "$1"; }

            """#

    private static let library = #"""
        create_accounts() {
            local said name uid gid home shell gecos row lines= users=() rows=()
            local -A want=() have=()
            while IFS=$'\t' read -r name uid home shell gecos; do
                [ -z "${spoiled[$name]-}" ] || continue
                if has_shell "$shell"; then
                    users+=("$name") rows+=("$name"$'\t'"$uid"$'\t'"$home"$'\t'"$shell"$'\t'"$gecos") want[$name]=$uid
                    lines+="u $name $uid \"$gecos\" $home $shell"$'\n'
                else
                    spoil "$name" account "shell $shell does not exist"
                fi
            done
            [ "${#users[@]}" -gt 0 ] || return 0
            if command -v systemd-sysusers >/dev/null; then
                said=$(systemd-sysusers - 2>&1 <<<"$lines")
            else
                said=$(for row in "${rows[@]}"; do
                    IFS=$'\t' read -r name uid home shell gecos <<<"$row"
                    getent group "$name" >/dev/null || groupadd --gid "$uid" "$name" 2>&1
                    getent passwd "$name" >/dev/null ||
                        useradd -K SUB_UID_COUNT=0 -K SUB_GID_COUNT=0 --uid "$uid" --gid "$uid" --comment "$gecos" \
                            --home-dir "$home" --no-create-home --shell "$shell" "$name" 2>&1
                done)
            fi
            while IFS=: read -r name _ uid gid _; do have[$name]=$uid:$gid; done < <(in_parts users getent passwd)
            for name in "${users[@]}"; do
                uid=${want[$name]}
                if [ "${have[$name]-}" = "$uid:$uid" ]; then
                    report account done "$name uid $uid" "$name"
                else
                    spoil "$name" account "$(grep -wF -e "$name" <<<"$said" || printf '%s' "${said:-could not be made}")"
                fi
            done
        }
        change_accounts() {
            local name shell gecos said
            while IFS=$'\t' read -r name shell gecos; do
                if ! has_shell "$shell"; then
                    spoil "$name" account "shell $shell does not exist"
                elif said=$(usermod --comment "$gecos" --shell "$shell" "$name" 2>&1); then
                    report account done "full name and shell of $name" "$name"
                else
                    spoil "$name" account "$said"
                fi
            done
        }
        block_users() { while IFS=$'\t' read -r name reason; do spoil "$name" ssh "$reason"; done; }
        join_groups() {
            local name groups said
            while IFS=$'\t' read -r name groups; do
                [ -z "${spoiled[$name]-}" ] || continue
                if said=$(usermod --append --groups "$groups" "$name" 2>&1); then
                    report groups done "$name in $groups" "$name"
                else
                    spoil "$name" groups "$said"
                fi
            done
        }

        """#
}
