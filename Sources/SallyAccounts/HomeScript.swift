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
            if ! roots_own "$1"; then
                if [ "$(realpath -e -- "$1")" != "$1" ]; then
                    printf '%s does not exist or is reached through a link' "$1"
                else
                    printf 'others than root can write to %s' "$1"
                fi
            elif ! fresh_folder "$1/.sallyport-new"; then
                printf 'nothing can be made in %s' "$1"
            fi
        }
        # put_skeleton FOLDER HOME...: what is in FOLDER, each thing for all homes at once. Fails when not all is there: cp(1) does
        # it for each then, or says why not.
        put_skeleton() {
            local from=$1 kind mode path home copies
            shift
            while IFS=/ read -r -d '' kind mode path; do
                copies=()
                for home; do copies+=("$home/$path"); done
                case $kind in
                d) mkdir -m "$mode" -- "${copies[@]}" ;;
                f) tee -- "${copies[@]}" <"$from/$path" >/dev/null && chmod "$mode" -- "${copies[@]}" ;;
                *) false ;;
                esac || return 1
            done < <(find "$from" -mindepth 1 -printf '%y/%m/%P\0' 2>/dev/null)
        }
        make_homes() {
            local name uid home parent said alone= users=() homes=() staged=() folders=()
            local -A against=() new=() owner=() place=() have=()
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
                    users+=("$name") homes+=("$home")
                    new[$name]=$parent/.sallyport-new/${home##*/} owner[$name]=$uid place[$name]=$home
                fi
            done
            # What fails for all at once is tried for each, and what went wrong is seen by looking.
            staged=("${new[@]}")
            in_parts staged mkdir -m 0700 -- 2>/dev/null
            if [ "${#ssh_rows[@]}" -gt 0 ]; then
                folders=("${staged[@]/%//.ssh}")
                in_parts folders mkdir -m 0700 -- 2>/dev/null
            fi
            in_parts staged put_skeleton /etc/skel 2>/dev/null || alone=1
            for name in "${users[@]}"; do
                said=$(if [ -n "$alone" ] && [ -d /etc/skel ]; then cp -a /etc/skel/. "${new[$name]}/" 2>&1; fi) &&
                    seed_ssh "$name" "${new[$name]}" &&
                    said=$(chown -hR "${owner[$name]}:${owner[$name]}" -- "${new[$name]}" 2>&1) || {
                    spoil "$name" home "${said:-${place[$name]}/.ssh could not be written}"
                    unset "new[$name]"
                }
            done
            staged=("${new[@]}")
            in_parts staged chmod 0700 -- 2>/dev/null
            for parent in "${!against[@]}"; do
                folders=()
                for name in "${!new[@]}"; do [ "${place[$name]%/*}" != "$parent" ] || folders+=("${new[$name]}"); done
                # Never over something (mv -n).
                in_parts folders mv -n -t "$parent" -- 2>/dev/null
            done
            while IFS=$'\t' read -r home said uid; do have[$home]=$said.$uid; done \
                < <(in_parts homes stat --printf '%n\t%F %a\t%u\n' 2>/dev/null)
            for name in "${users[@]}"; do
                [ -n "${new[$name]-}" ] || continue
                if [ ! -e "${new[$name]}" ] && [ "${have[${place[$name]}]-}" = "directory 700.${owner[$name]}" ]; then
                    report home done "${place[$name]}" "$name"
                else
                    spoil "$name" home "${place[$name]} could not be made"
                fi
            done
            for parent in "${!against[@]}"; do
                [ -n "${against[$parent]}" ] || rm -rf --one-file-system -- "$parent/.sallyport-new"
            done
        }

        """#
}
