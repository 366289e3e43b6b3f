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
        matching() { grep -e "^{\"user\":\"$1\"," -e ",\"uid\":$2," "$state/accounts.jsonl" 2>/dev/null; }
        record() {
            local name=$1 uid=$2 before=$3 line=$4 new=$state/accounts.jsonl.new
            if [ "$(matching "$name" "$uid")" != "$before" ]; then
                fail record "the managed record has changed" 75
            fi
            { [ ! -e "$state/accounts.jsonl" ] || cat "$state/accounts.jsonl"; } >"$new" && printf '%s\n' "$line" >>"$new" &&
                sync "$new" && mv -fT "$new" "$state/accounts.jsonl" && sync "$state" ||
                fail record "the managed record cannot be written"
            report record done "$line"
        }

        """#
}
