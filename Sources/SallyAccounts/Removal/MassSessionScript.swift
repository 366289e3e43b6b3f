// SPDX-License-Identifier: Apache-2.0

/// Functions that end what many users run on a machine. Who runs nothing, which is nearly everybody, is seen in two looks
/// at all processes; for the others `SessionScript` does what it does for one.
///
/// Who forks and ends faster than /proc is read is in no look. So everything of a user who was not seen is stopped before
/// the second look, as `SessionScript` does it: who is not seen then either runs nothing.
enum MassSessionScript {
    static let library = #"""
        # busy_users: reads uids; leaves in $busy those that have processes by any of their uids, subordinate ones (subuid(5))
        # included, or whose services go on without a login. All of them when the processes cannot be read.
        busy_users() {
            local asked uid
            asked=$(cat)
            busy=" $(statuses | awk '
                FILENAME == ARGV[1] { split($0, field, ":"); name[field[1]] = field[3]; next }
                FILENAME == ARGV[2] { wanted[$0]; next }
                FILENAME == ARGV[3] {
                    split($0, field, ":")
                    owner = field[1] in name ? name[field[1]] : field[1]
                    if (owner in wanted) { low[++ranges] = field[2]; high[ranges] = field[2] + field[3] - 1; whose[ranges] = owner }
                    next
                }
                function seen(id, i) {
                    if (id in wanted) found[id]
                    else for (i = 1; i <= ranges; i++) if (id + 0 >= low[i] + 0 && id + 0 <= high[i] + 0) found[whose[i]]
                }
                $1 == "Pid:" && $2 == 1 { read = 1 }
                $1 == "Uid:" { for (i = 2; i <= 5; i++) seen($i) }
                END { if (!read) { for (id in wanted) print id } else for (id in found) print id }' \
                <(xargs -r -d '\n' getent passwd <<<"$asked") <(printf '%s\n' "$asked") /etc/subuid_or_none - | tr '\n' ' ')"
        }
        # end_all_sessions: name and uid of each.
        end_all_sessions() {
            local rows name uid rest busy seen= start was one limit
            local -a still=()
            rows=$(cat)
            read_entries < <(cut -f1 <<<"$rows")
            rows=$(while IFS=$'\t' read -r name uid rest; do ! is_ours "$name" "$uid" || printf '%s\t%s\n' "$name" "$uid"; done <<<"$rows")
            [ -n "$rows" ] || return 0
            busy_users < <(cut -f2 <<<"$rows")
            seen=$busy
            if [ -d /run/systemd/system ] && command -v loginctl >/dev/null; then
                seen+=" $(timeout 10 loginctl list-sessions --no-legend 2>/dev/null | awk '{ print $2 }' | tr '\n' ' ')"
                while IFS=$'\t' read -r name uid; do
                    [ ! -e "/var/lib/systemd/linger/$name" ] || seen+=" $uid "
                done <<<"$rows"
            fi
            was=$(trap -p EXIT)
            trap 'for one in "${still[@]}"; do all_of "$one" CONT; done' EXIT
            # A signal takes a tenth of a second at the very most, or seconds where somebody fights it.
            limit=$((60 + $(wc -l <<<"$rows") / 10))
            SECONDS=0
            while IFS=$'\t' read -r name uid; do
                case "$seen" in *" $uid "*) continue ;; esac
                still+=("$uid")
                [ "$SECONDS" -lt "$limit" ] && all_of "$uid" STOP </dev/null || seen+=" $uid "
            done <<<"$rows"
            busy_users < <(cut -f2 <<<"$rows")
            for one in "${still[@]}"; do
                case "$busy" in *" $one "*) go_on "$one" ;; esac
            done
            eval "${was:-trap - EXIT}"
            seen+=$busy start=$(date +%s)
            while IFS=$'\t' read -r subject uid; do
                case "$seen" in
                *" $uid "*)
                    if [ "$(($(date +%s) - start))" -lt 120 ]; then
                        SECONDS=0
                        end_sessions "$subject" "$uid" </dev/null
                    else
                        report sessions failed "no time left for the processes of $subject; lock again"
                    fi
                    ;;
                *) report sessions unchanged "$subject runs nothing outside of jobs" ;;
                esac
            done <<<"$rows"
            subject=
        }
        # Whose processes were none at the first look: nothing of what is stopped was so before.
        go_on() {
            local frozen=$1
            local -A resting=()
            thaw
        }

        """#
        .replacing("/etc/subuid_or_none", with: #"<(cat /etc/subuid 2>/dev/null)"#)
}
