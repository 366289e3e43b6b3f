// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel

/// The script that changes one machine, from a plan's steps. It reports each step on a line of its own and ends with
/// `end`; a step that fails ends the script, because later steps stand on earlier ones.
package enum AccountScript {
    /// The managed record has changed since the plan was made: look again (EX_TEMPFAIL).
    static let recordChanged: Int32 = 75

    package static func make(_ steps: [AccountStep], in layout: ClusterLayout) -> String {
        layout.prologue + stepLibrary + RecordScript.library + library + SlurmScript.library
            + ProbeScript.main(["hold_record"] + steps.map { call($0, in: layout) } + ["printf 'end\\n'"])
    }

    private static func call(_ step: AccountStep, in layout: ClusterLayout) -> String {
        switch step {
        case .record(let record, let lines):
            shellCall("record", [record.user.rawValue, "\(record.uid)", lines.joined(separator: "\n"), record.line])
        case .create(let account):
            shellCall("create", [account.name.rawValue, "\(account.uid)", account.gecos, account.home, account.shell])
        case .change(let account): shellCall("change", [account.name.rawValue, account.gecos, account.shell])
        case .join(let name, let groups): shellCall("join", [name.rawValue, groups.joined(separator: ",")])
        case .makeHome(let account): shellCall("make_home", [account.name.rawValue, "\(account.uid)", account.home])
        case .associate(let account):
            // Where no machine knows people, slurmctld never has a uid for the association.
            shellCall(
                "associate",
                [account.name.rawValue, layout.mode == .none ? "" : "\(account.uid)"]
                    + account.accounts.map(\.rawValue))
        }
    }

    /// `step NAME OUTCOME DETAIL`, and the end of a script at the first failure that later steps stand on.
    static let stepLibrary = #"""
        report() { local detail=${3//[$'\t\n\r']/ }; printf 'step\t%s\t%s\t%s\n' "$1" "$2" "${detail:0:300}"; }
        fail() { report "$1" failed "$2"; printf 'end\n'; exit "${3:-1}"; }

        """#

    private static let library = #"""
        create() {
            local name=$1 uid=$2 gecos=$3 home=$4 shell=$5 said
            [ -x "$shell" ] || fail account "shell $shell does not exist"
            if command -v systemd-sysusers >/dev/null; then
                said=$(printf 'u %s %s "%s" %s %s\n' "$name" "$uid" "$gecos" "$home" "$shell" | systemd-sysusers - 2>&1)
            else
                said=$(getent group "$name" >/dev/null || groupadd --gid "$uid" "$name" 2>&1)
                said+=$(getent passwd "$name" >/dev/null || useradd -K SUB_UID_COUNT=0 -K SUB_GID_COUNT=0 --uid "$uid" --gid "$uid" --comment "$gecos" \
                    --home-dir "$home" --no-create-home --shell "$shell" "$name" 2>&1)
            fi
            [ "$(getent passwd "$name" | cut -d: -f3,4)" = "$uid:$uid" ] || fail account "$said"
            report account done "$name uid $uid"
        }
        change() {
            local said
            said=$(usermod --comment "$2" --shell "$3" "$1" 2>&1) || fail account "$said"
            report account done "full name and shell of $1"
        }
        join() {
            local said
            said=$(usermod --append --groups "$2" "$1" 2>&1) || fail groups "$said"
            report groups done "$1 in $2"
        }
        # Made beside its place in a folder that root alone can write to, and then moved there: nobody sees half a home,
        # and no link that a user made is ever followed.
        make_home() {
            local name=$1 uid=$2 home=$3 parent=${3%/*} new said
            new=$parent/.sallyport-new-$name
            [ "$(realpath -e -- "$parent")" = "$parent" ] || fail home "$parent does not exist or is reached through a link"
            [ "$(stat -c %u "$parent")" = 0 ] && [ -z "$(find "$parent" -maxdepth 0 -perm /022)" ] ||
                fail home "others than root can write to $parent"
            if [ -L "$home" ] || [ -e "$home" ]; then
                [ ! -L "$home" ] && [ -d "$home" ] && [ "$(stat -c %u "$home")" = "$uid" ] ||
                    fail home "$home is there and is not a folder of uid $uid"
                report home unchanged "$home"
                return
            fi
            rm -rf --one-file-system -- "$new"
            said=$(mkdir -m 0700 -- "$new" 2>&1 && { [ ! -d /etc/skel ] || cp -a /etc/skel/. "$new/" 2>&1; } &&
                chown -hR "$uid:$uid" -- "$new" 2>&1 && chmod 0700 -- "$new" 2>&1 && mv -nT -- "$new" "$home" 2>&1) ||
                fail home "$said"
            [ ! -e "$new" ] && [ "$(stat -c '%F %u' "$home")" = "directory $uid" ] || fail home "$home could not be made"
            report home done "$home"
        }

        """#
}
