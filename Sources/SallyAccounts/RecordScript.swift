// SPDX-License-Identifier: Apache-2.0

/// Functions around the managed record. Every script that changes accounts holds its lock while it runs, so that two
/// administrators, or an administrator and the steward, come one after the other.
enum RecordScript {
    static let library = #"""
        hold_record() {
            [ ! -L "$state" ] && mkdir -p -m 0700 "$state" && [ "$(stat -c '%F %u' "$state")" = 'directory 0' ] ||
                fail record "$state is not a folder of root"
            exec 9>>"$state/accounts.lock" && flock -w 30 9 || fail record "another program changes accounts on this machine"
        }
        # record_lines: rows `before LINE` and `after LINE`. What is there before, about the names and uids of the lines that
        # are added, has to be exactly what the caller saw: somebody else may have come in between.
        record_lines() {
            local rows before after line name new=$state/accounts.jsonl.new
            rows=$(cat)
            before=$(sed -n 's/^before\t//p' <<<"$rows")
            after=$(sed -n 's/^after\t//p' <<<"$rows")
            if [ "$([ ! -e "$state/accounts.jsonl" ] || awk -F'"' 'FILENAME == ARGV[1] { name[$4]; uid[$7]; next }
                $4 in name || $7 in uid' <(printf '%s\n' "$after") "$state/accounts.jsonl")" != "$before" ]; then
                fail record "the managed record has changed" 75
            fi
            { [ ! -e "$state/accounts.jsonl" ] || cat "$state/accounts.jsonl"; } >"$new" && printf '%s\n' "$after" >>"$new" &&
                sync "$new" && mv -fT "$new" "$state/accounts.jsonl" && sync "$state" ||
                fail record "the managed record cannot be written"
            while IFS= read -r line; do
                name=${line#*:\"}
                report record done "$line" "${name%%\"*}"
            done <<<"$after"
        }
        # record NAME UID BEFORE LINE: for one account.
        record() { { [ -z "$3" ] || sed 's/^/before\t/' <<<"$3"; printf 'after\t%s\n' "$4"; } | record_lines; }

        """#
}
