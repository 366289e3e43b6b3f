// SPDX-License-Identifier: Apache-2.0

/// Makes homes on the machine where they are a local folder.
enum HomeScript {
    /// A home is made beside its place, in a folder that root alone can write to, and then moved there: nobody sees half
    /// a home, and no link that a user made is ever followed. Everything that can be done for all at once is.
    static let library = #"""
        # SSHScript has more.
        declare -A ssh_rows=()
        seed_ssh() { :; }
        # home_parent FOLDER: says what speaks against homes in it.
        home_parent() {
            if [ "$(realpath -e -- "$1")" != "$1" ]; then
                printf '%s does not exist or is reached through a link' "$1"
            elif ! roots_own "$1"; then
                printf 'others than root can write to %s' "$1"
            elif ! rm -rf --one-file-system -- "$1/.sallyport-new" || ! mkdir -m 0700 -- "$1/.sallyport-new"; then
                printf 'nothing can be made in %s' "$1"
            fi
        }
        make_homes() {
            local rows name uid home parent said mode
            local -A against=() made=() new=() have=()
            rows=$(cat)
            while IFS=$'\t' read -r name uid home; do
                [ -z "${spoiled[$name]-}" ] || continue
                parent=${home%/*}
                [ -n "${against[$parent]+seen}" ] || against[$parent]=$(home_parent "$parent")
                if [ -n "${against[$parent]}" ]; then
                    spoil "$name" home "${against[$parent]}"
                elif [ -L "$home" ] || [ -e "$home" ]; then
                    if [ ! -L "$home" ] && [ -d "$home" ] && [ "$(stat -c %u "$home")" = "$uid" ]; then
                        report home unchanged "$home" "$name"
                    else
                        spoil "$name" home "$home is there and is not a folder of uid $uid"
                    fi
                else
                    made[$parent]+=$parent/.sallyport-new/${home##*/}$'\n'
                    new[$name]=$parent/.sallyport-new/${home##*/}
                fi
            done <<<"$rows"
            # Programs are started for all, where they can be; what went wrong is seen by looking.
            for parent in "${!made[@]}"; do
                xargs -r -d '\n' mkdir -m 0700 -- <<<"${made[$parent]%$'\n'}" 2>/dev/null
                [ "${#ssh_rows[@]}" -eq 0 ] || sed 's,$,/.ssh,' <<<"${made[$parent]%$'\n'}" | xargs -r -d '\n' mkdir -m 0700 -- 2>/dev/null
            done
            while IFS=$'\t' read -r name uid home; do
                [ -n "${new[$name]-}" ] || continue
                said=$({ [ ! -d /etc/skel ] || cp -a /etc/skel/. "${new[$name]}/"; } 2>&1) && seed_ssh "$name" "${new[$name]}" &&
                    said=$(chown -hR "$uid:$uid" -- "${new[$name]}" 2>&1) || {
                    spoil "$name" home "$said"
                    made[${home%/*}]=${made[${home%/*}]/"${new[$name]}"$'\n'/}
                    unset "new[$name]"
                }
            done <<<"$rows"
            for parent in "${!made[@]}"; do
                [ -n "${made[$parent]}" ] || continue
                xargs -r -d '\n' chmod 0700 -- <<<"${made[$parent]%$'\n'}" 2>/dev/null
                # Never over something (mv -n).
                xargs -r -d '\n' mv -n -t "$parent" -- <<<"${made[$parent]%$'\n'}" 2>/dev/null
            done
            while IFS=$'\t' read -r name mode uid; do have[$name]=$mode.$uid; done \
                < <(cut -f3 <<<"$rows" | xargs -r -d '\n' stat --printf '%n\t%F %a\t%u\n' 2>/dev/null)
            while IFS=$'\t' read -r name uid home; do
                [ -n "${new[$name]-}" ] || continue
                if [ ! -e "${new[$name]}" ] && [ "${have[$home]-}" = "directory 700.$uid" ]; then
                    report home done "$home" "$name"
                else
                    spoil "$name" home "$home could not be made"
                fi
            done <<<"$rows"
            for parent in "${!against[@]}"; do [ -n "${against[$parent]}" ] || rm -rf --one-file-system -- "$parent/.sallyport-new"; done
        }

        """#
}
