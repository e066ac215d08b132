#compdef hosttune
# zsh completion of hosttune, printed by `hosttune hook completion zsh`
_hosttune() {
    local -a found
    local line asked=''
    for line in ${(f)"$(command hosttune hook complete -- "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)"}; do
        case $line in
            :files|:directories) asked=$line ;;
            # what is before the colon is the value
            *$'\t'*) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
            *) found+=("${line//:/\\:}") ;;
        esac
    done
    (( $#found )) && _describe hosttune found
    [[ -n $asked && $PREFIX == --*=* ]] && compset -P '*='
    case $asked in
        :files) _files ;;
        :directories) _files -/ ;;
    esac
}
# a file of fpath is the body of the function; one that is sourced only makes it known
if [[ $funcstack[1] == _hosttune ]]; then
    _hosttune "$@"
else
    compdef _hosttune hosttune
fi
