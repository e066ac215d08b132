# bash completion of hosttune, printed by `hosttune hook completion bash`
_hosttune() {
    local line=${COMP_LINE:0:COMP_POINT} head='' value help
    COMPREPLY=()
    # bash has split the last word at "=" and replaces what follows it only
    local word=${line##*[[:space:]]}
    [[ $COMP_WORDBREAKS == *=* && $word == --*=* ]] && head=${word%%=*}=
    while IFS=$'\t' read -r value help; do
        case $value in
            :files) compopt -o default ;;
            :directories) compopt -o dirnames ;;
            *) COMPREPLY+=("${value#"$head"}") ;;
        esac
    done < <(command hosttune hook complete -- "$line" 2>/dev/null)
}
complete -F _hosttune hosttune
