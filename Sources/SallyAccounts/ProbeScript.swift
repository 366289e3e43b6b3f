// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// The script that looks at accounts on one machine. It changes nothing. `NodeObservation` reads its answer.
package enum ProbeScript {
    /// - Parameter accounts: name, uid and home of each; nil where only the name is known.
    package static func make(_ accounts: [Subject], groups: Set<String>, on node: NodeName, in layout: ClusterLayout)
        -> String
    {
        var calls: [String] = []
        for account in accounts {
            let uid = account.uid.map { "\($0)" } ?? ""
            calls.append(shellCall("probe_user", [account.name.rawValue, uid]))
            if node == layout.homeServer, layout.mode == .everywhere || layout.mode == .controller,
                let home = account.home
            {
                calls.append(shellCall("probe_home", [uid, home]))
            }
            if node == layout.controller {
                calls.append(shellCall("probe_record", [account.name.rawValue, uid]))
                calls.append(shellCall("probe_slurm", [account.name.rawValue]))
            }
        }
        calls += groups.sorted().map { shellCall("probe_group", [$0]) }
        return layout.prologue + library + main(calls + ["printf 'end\\n'"])
    }

    /// Only the lines of the managed record about `name` and `uid`, for the controller. Asks nothing of Slurm.
    static func records(_ name: UserName, _ uid: UserID, in layout: ClusterLayout) -> String {
        layout.prologue + library
            + main([shellCall("probe_record", [name.rawValue, "\(uid)"]), "printf 'end\\n'"])
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
    }

    /// Standard input of bash is the script itself: what runs in it reads from /dev/null instead.
    static func main(_ calls: [String]) -> String {
        "main() {\n" + calls.joined(separator: "\n") + "\n}\nmain </dev/null\n"
    }

    private static let library = #"""
        emit() { local IFS=$'\t'; printf '%s\n' "$*"; }
        probe_user() {
            local entry name=$1 uid=$2 group gid
            if entry=$(getent passwd "$name"); then
                emit user "$name" "${entry//$'\t'/ }"
                while read -r gid; do
                    group=$(getent group "$gid" | cut -d: -f1)
                    emit member "$name" "${group:-$gid}" "$gid"
                done < <(id -G "$name" | tr ' ' '\n')
                expire=$(getent shadow "$name" | cut -d: -f8)
                [ -z "$expire" ] || [ "$expire" -gt $(($(date +%s) / 86400)) ] || emit expired "$name"
            fi
            if [ -n "$uid" ] && entry=$(getent passwd "$uid"); then emit owner "$uid" "${entry//$'\t'/ }"; fi
            probe_group "$name"
            [ -z "$uid" ] || probe_group "$uid"
        }
        probe_group() {
            local entry
            if entry=$(getent group "$1"); then emit group "$(cut -d: -f1 <<<"$entry")" "$(cut -d: -f3 <<<"$entry")"; fi
        }
        probe_home() {
            local uid=$1 home=$2 path
            if [ -L "$home" ] || [ -e "$home" ]; then
                emit home "$home" "$(stat -c %F "$home")" "$(stat -c %u "$home")"
            fi
            [ -n "$uid" ] || return 0
            while IFS= read -r -d '' path; do
                [ "$path" = "$home" ] || emit stray "$uid" "${path//[$'\t\n']/ }"
            done < <(find "${home%/*}" -mindepth 1 -maxdepth 1 -uid "$uid" -print0 2>/dev/null)
        }
        probe_record() {
            local line
            [ -f "$state/accounts.jsonl" ] || return 0
            while IFS= read -r line; do emit record "$line"; done \
                < <(grep -e "^{\"user\":\"$1\"," ${2:+-e ",\"uid\":$2,"} "$state/accounts.jsonl")
        }
        probe_slurm() {
            local config cluster level account name uid daemons
            config=$(scontrol show config) || exit 69
            cluster=$(sed -n 's/^ClusterName *= *//p' <<<"$config") && [ -n "$cluster" ] || exit 69
            daemons=$(sed -nE 's/^Slurmd?User *= *([^(]+)\(([0-9]+)\) *$/\1 \2/p' <<<"$config")
            [ "$(wc -l <<<"$daemons")" -eq 2 ] || exit 69
            while read -r name uid; do emit daemon "$name" "$uid"; done <<<"$daemons"
            level=$(sacctmgr -nP show user where name="$1" format=adminlevel) || exit 69
            [ -z "$level" ] || emit admin "$1" "$level"
            level=$(sacctmgr -nP show assoc where user="$1" cluster="$cluster" format=account) || exit 69
            for account in $level; do emit association "$1" "$account"; done
        }

        """#
}
