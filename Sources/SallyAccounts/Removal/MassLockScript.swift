// SPDX-License-Identifier: Apache-2.0

/// Functions that lock and unlock many accounts on one machine, to the same end as `LockScript` does one. What can be
/// looked at for all at once is; programs are started for those alone for whom there is something to change.
enum MassLockScript {
    /// Overrides functions of `LockScript` and `AccountScript`: to be read after them.
    static let library = #"""
        # Whose steps are reported.
        subject=
        report() {
            local detail=${3//[$'\t\n\r']/ } who=${4-$subject}
            printf 'step\t%s\t%s\t%s%s\n' "$1" "$2" "${detail:0:300}" "${who:+$'\t'$who}"
        }
        declare -A have=() expire=() shut=()
        # read_entries: reads names. Leaves uids in $have, expiries in $expire, and in $shut whose password is locked.
        read_entries() {
            local asked name secret uid day
            asked=$(cat)
            have=() expire=() shut=()
            [ -n "$asked" ] || return 0
            while IFS=: read -r name _ uid _; do have[$name]=$uid; done < <(xargs -r -d '\n' getent passwd <<<"$asked")
            while IFS=: read -r name secret _ _ _ _ _ day _; do
                expire[$name]=$day
                case $secret in '!'*) shut[$name]=1 ;; esac
            done < <(xargs -r -d '\n' getent shadow <<<"$asked")
        }
        is_ours() { [ "${have[$1]-}" = "$2" ]; }

        # lock_users: name, uid, home (or -) of each.
        lock_users() {
            local rows
            rows=$(cat)
            read_entries < <(cut -f1 <<<"$rows")
            expire_all
            deny_all
            shut_keys
            subject=
        }
        expire_all() {
            local name uid rest
            local -A said=()
            while IFS=$'\t' read -r name uid rest; do
                is_ours "$name" "$uid" || continue
                [ "${expire[$name]-}" != 1 ] || [ -z "${shut[$name]-}" ] || { said[$name]=before; continue; }
                # Both are said before they are true: a lock that was interrupted is taken up where it was.
                [ -e "$vault/$name.expire" ] || printf '%s\n' "${expire[$name]-}" >"$vault/$name.expire"
                [ -n "${shut[$name]-}" ] || : >"$vault/$name.password"
                said[$name]=$(usermod --expiredate 1 --lock "$name" 2>&1 </dev/null)
            done <<<"$rows"
            read_entries < <(cut -f1 <<<"$rows")
            while IFS=$'\t' read -r subject uid rest; do
                if ! is_ours "$subject" "$uid"; then
                    report "account expiry" skipped "$subject with uid $uid is not on this machine"
                elif [ "${expire[$subject]-}" != 1 ] || [ -z "${shut[$subject]-}" ]; then
                    report "account expiry" failed "${said[$subject]:-the account is not locked}"
                elif [ "${said[$subject]-}" = before ]; then
                    report "account expiry" unchanged "expired"
                else
                    report "account expiry" done "expired, and the password is locked"
                fi
            done <<<"$rows"
        }
        # As lock_cron: only who has a table or a waiting job is looked at alone.
        deny_all() {
            local what file names uids wrong= folder name uid rest found
            local -a folders=()
            names=$(while IFS=$'\t' read -r name uid rest; do ! is_ours "$name" "$uid" || printf '%s\n' "$name"; done <<<"$rows")
            [ -n "$names" ] || return 0
            for what in cron at; do
                if [ -f "/etc/$what.allow" ]; then
                    found=$(grep -xF -e "$names" "/etc/$what.allow" | sort -u)
                    [ -z "$found" ] || { mark "$found" "$what-allow" && drop_lines "$found" "/etc/$what.allow"; } ||
                        wrong+="/etc/$what.allow cannot be written; "
                elif [ -f "/etc/$what.deny" ] || { [ "$what" = cron ] && [ -e /etc/debian_version ]; }; then
                    file=/etc/$what.deny
                    [ -f "$file" ] || file=/dev/null
                    found=$(grep -vxFf "$file" <<<"$names")
                    [ -z "$found" ] || { mark "$found" "$what-deny" && add_line "$found" "/etc/$what.deny"; } ||
                        wrong+="/etc/$what.deny cannot be written; "
                fi
            done
            for folder in $at_folders; do [ ! -d "$folder" ] || folders+=("$folder"); done
            uids=$([ "${#folders[@]}" -eq 0 ] || find "${folders[@]}" -mindepth 1 -maxdepth 1 -type f -printf '%U\n' | sort -u)
            while IFS=$'\t' read -r subject uid rest; do
                is_ours "$subject" "$uid" || continue
                if [ -n "$wrong" ]; then
                    report "cron and at" failed "$wrong"
                elif [ -f "/var/spool/cron/crontabs/$subject" ] || [ -f "/var/spool/cron/$subject" ] ||
                    case $'\n'$uids$'\n' in *$'\n'"$uid"$'\n'*) true ;; *) false ;; esac; then
                    lock_cron "$subject" "$uid"
                else
                    report "cron and at" done "denied"
                fi
            done <<<"$rows"
        }
        # mark NAMES WHAT: an empty file for each in the vault.
        mark() {
            local name
            while IFS= read -r name; do : >"$vault/$name.$2" || return 1; done <<<"$1"
        }
        unmark() { sed "s,^,$vault/,; s,\$,.$2," <<<"$1" | xargs -r -d '\n' rm -f --; }
        drop_lines() {
            local new=$2.sallyport-new
            grep -vxF -e "$1" -- "$2" >"$new"
            [ $? -le 1 ] && chmod --reference="$2" "$new" && chown --reference="$2" "$new" && mv -fT "$new" "$2"
        }
        has_keys() {
            local file
            [ ! -L "$1/.ssh" ] || return 0
            for file in authorized_keys authorized_keys2; do
                [ ! -e "$1/.ssh/$file" ] && [ ! -L "$1/.ssh/$file" ] || return 0
            done
            return 1
        }
        shut_keys() {
            local uid home
            while IFS=$'\t' read -r subject uid home; do
                [ "$home" != - ] || continue
                if has_keys "$home"; then
                    lock_keys "$subject" "$uid" "$home"
                else
                    report authorized_keys unchanged "there is none in use"
                fi
            done <<<"$rows"
        }

        # unlock_users: as lock_users.
        unlock_users() {
            local rows uid home plain=
            rows=$(cat)
            read_entries < <(cut -f1 <<<"$rows")
            while IFS=$'\t' read -r subject uid home; do
                if ! is_ours "$subject" "$uid"; then
                    report "account expiry" skipped "$subject with uid $uid is not on this machine"
                elif [ -e "$vault/$subject.crontab" ] || [ -e "$vault/$subject.at" ] ||
                    [ -e "$vault/$subject.cron-allow" ] || [ -e "$vault/$subject.at-allow" ]; then
                    unlock_account "$subject" "$uid"
                elif [ -e "$vault/$subject.expire" ] || [ "${expire[$subject]-}" = 1 ] || [ -e "$vault/$subject.password" ]; then
                    plain+=$subject$'\n'
                    open_account "$subject"
                else
                    report "account expiry" unchanged "was not locked"
                fi
                [ "$home" = - ] || open_keys "$subject" "$uid" "$home"
            done <<<"$rows"
            subject=
            [ -z "$plain" ] || allow_all "${plain%$'\n'}"
        }
        open_account() {
            local name=$1 day= said
            [ ! -e "$vault/$name.expire" ] || day=$(<"$vault/$name.expire")
            if said=$(chage --expiredate "${day:--1}" "$name" 2>&1 </dev/null); then
                rm -f -- "$vault/$name.expire"
                report "account expiry" done "as before"
            else
                report "account expiry" failed "$said"
            fi
            [ -e "$vault/$name.password" ] || return 0
            if said=$(usermod --unlock "$name" 2>&1 </dev/null); then
                rm -f -- "$vault/$name.password"
                report password done "unlocked"
            else
                report password failed "$said"
            fi
        }
        allow_all() {
            local names=$1 what name marked wrong=
            for what in cron at; do
                marked=$(while IFS= read -r name; do [ ! -e "$vault/$name.$what-deny" ] || printf '%s\n' "$name"; done <<<"$names")
                [ -n "$marked" ] || continue
                { [ ! -f "/etc/$what.deny" ] || drop_lines "$marked" "/etc/$what.deny"; } && unmark "$marked" "$what-deny" ||
                    wrong+="/etc/$what.deny; "
            done
            while IFS= read -r subject; do
                if [ -z "$wrong" ]; then report "cron and at" done "allowed"; else report "cron and at" failed "$wrong"; fi
            done <<<"$names"
            subject=
        }
        open_keys() {
            local kept=${3%/*}/.sallyport-locked/$1 file
            for file in ssh-link authorized_keys authorized_keys2; do
                [ -e "$kept.$file" ] || [ -L "$kept.$file" ] || continue
                unlock_keys "$@"
                return
            done
            report authorized_keys unchanged "nothing was moved aside"
        }

        """#
}
