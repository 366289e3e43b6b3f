// SPDX-License-Identifier: Apache-2.0

/// Functions that set on which day accounts expire.
///
/// No program makes an account and its day at once (systemd-sysusers(8) knows none). So the day is written down before the
/// account is made: whoever is killed in between leaves no account that never expires, because the next run sees it.
enum ExpiryScript {
    static let library = #"""
        # foresee_expiry: name and day of each account that is to be made, for `probe_expiring`.
        foresee_expiry() {
            local rows name days said
            rows=$(cat)
            if ! said=$(keep_expiring <<<"$rows" 2>&1); then
                while IFS=$'\t' read -r name days; do spoil "$name" expiry "the day of it cannot be kept: $said"; done <<<"$rows"
            fi
        }
        expire_accounts() {
            local name days said gone=
            while IFS=$'\t' read -r name days; do
                if [ -n "${spoiled[$name]-}" ]; then
                    # An account that was not made is given its day when it is made. Whoever cannot be asked about (not status 2)
                    # may be there.
                    getent passwd "$name" >/dev/null
                    [ $? != 2 ] || gone+=$name$'\n'
                    continue
                fi
                if said=$(chage --expiredate "$days" "$name" 2>&1); then
                    gone+=$name$'\n'
                    report expiry done "$(TZ=UTC printf '%(%Y-%m-%d)T' "$((days * 86400))")" "$name"
                else
                    spoil "$name" expiry "$said"
                fi
            done
            # One that stays is set again, to the same day.
            [ -z "$gone" ] || forget_expiring <<<"${gone%$'\n'}"
        }

        """#

    /// For whatever makes or removes accounts.
    static let keeping = #"""
        # keep_expiring: reads rows; one without a day is not foreseen any more.
        keep_expiring() {
            local rows file=$state/expiring
            rows=$(cat)
            [ -e "$file" ] || : >"$file" || return 1
            awk -F'\t' 'FILENAME == ARGV[1] { day[$1] = $2; next } $1 in day { next } { print }
                END { for (name in day) if (day[name] != "") printf "%s\t%s\n", name, day[name] }' \
                <(printf '%s\n' "$rows") "$file" >"$file.new" &&
                mv -fT "$file.new" "$file"
        }
        # forget_expiring: reads names. Whoever is made by that name later gets a day of their own.
        forget_expiring() { [ ! -s "$state/expiring" ] || keep_expiring 2>/dev/null; }

        """#

    /// - Precondition: after `read_subjects`.
    static let probe = #"""
        probe_expiring() {
            [ ! -s "$state/expiring" ] || awk -F'\t' -v OFS='\t' 'FILENAME == ARGV[1] { name[$1]; next }
                $1 in name { print "expiring", $1, $2 }' <(printf '%s\n' "${names[@]}") "$state/expiring"
        }

        """#
}
