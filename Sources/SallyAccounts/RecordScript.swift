// SPDX-License-Identifier: Apache-2.0

/// Functions around the managed record. Every script that changes accounts holds its lock while it runs, so that two
/// administrators, or an administrator and the steward, come one after the other.
enum RecordScript {
    /// For a conversation: takes the lock for as long as the shell lives, or says `held` and by whom.
    static func take(by who: String, in layout: ClusterLayout) -> String {
        layout.prologue + AccountScript.stepLibrary + library + shellCall("take_record", [who]) + "\n"
    }

    /// Waits for the lock ten minutes; the status is not 0 when it did not come.
    static func await(by who: String, in layout: ClusterLayout) -> String {
        layout.prologue + AccountScript.stepLibrary + library + shellCall("await_record", [who]) + "\n"
    }

    static let library = #"""
        record_folder() {
            [ -e "$state" ] || mkdir -p -m 0700 "$state"
            [ ! -L "$state" ] && [ -d "$state" ] && [ -O "$state" ] ||
                fail record "$state is not a folder of root"
        }
        hold_record() {
            [ -z "${record_held-}" ] || return 0
            record_folder
            exec 9>>"$state/accounts.lock" && flock -w 30 9 || fail record "another program changes accounts on this machine"
        }
        take_record() {
            record_folder
            exec 9>>"$state/accounts.lock" || fail record "$state/accounts.lock cannot be opened"
            if flock -n 9; then held_by "$1"; else printf 'held\t%s\n' "$(head -c 300 "$state/accounts.holder" 2>/dev/null || echo another program)"; fi
        }
        await_record() { flock -w 600 9 && held_by "$1"; }
        held_by() {
            record_held=1
            # For whoever waits; on a full disk that is for the record to say.
            TZ=UTC printf '%s since %(%Y-%m-%dT%H:%M:%SZ)T\n' "$1" -1 >"$state/accounts.holder" 2>/dev/null || :
        }
        # record_lines: rows `before LINE` and `after LINE`. What is there before, about the names and uids of the lines that
        # are added, has to be exactly what the caller saw: somebody else may have come in between.
        record_lines() {
            local row before= after= line name said new=$state/accounts.jsonl.new
            while IFS= read -r row; do
                case $row in
                before$'\t'*) before+=${row#*$'\t'}$'\n' ;;
                after$'\t'*) after+=${row#*$'\t'}$'\n' ;;
                esac
            done
            before=${before%$'\n'} after=${after%$'\n'}
            if [ "$([ ! -e "$state/accounts.jsonl" ] || awk -F'"' 'FILENAME == ARGV[1] { name[$4]; uid[$7]; next }
                $4 in name || $7 in uid' <(printf '%s\n' "$after") "$state/accounts.jsonl")" != "$before" ]; then
                fail record "the managed record has changed" 75
            fi
            said=$({ { [ ! -e "$state/accounts.jsonl" ] || cat "$state/accounts.jsonl"; } >"$new" && printf '%s\n' "$after" >>"$new" &&
                sync "$new" && mv -fT "$new" "$state/accounts.jsonl" && sync "$state"; } 2>&1) ||
                fail record "the managed record cannot be written${said:+: $said}"
            while IFS= read -r line; do
                name=${line#*:\"}
                report record done "$line" "${name%%\"*}"
            done <<<"$after"
        }
        # record NAME UID BEFORE LINE: for one account.
        record() { { [ -z "$3" ] || sed 's/^/before\t/' <<<"$3"; printf 'after\t%s\n' "$4"; } | record_lines; }

        """#
}
