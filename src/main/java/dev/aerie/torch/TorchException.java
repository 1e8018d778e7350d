package dev.aerie.torch;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** An operator failed in libtorch. The message names the operator, the shapes of its arguments and libtorch's own last line. */
public final class TorchException extends RuntimeException {

    TorchException(String operator, Object[] arguments, Throwable cause) {
        super(operator + Arrays.stream(arguments).map(TorchException::describe).collect(Collectors.joining(", ", "(", ")"))
                + " failed: " + reason(cause), cause);
    }

    private static String describe(Object x) {
        if (x instanceof long[] n) {
            return Arrays.toString(n);
        }
        if (x instanceof List<?> list && list.size() > 4) {
            return list.size() + " tensors";
        }
        return String.valueOf(x);
    }

    private static String reason(Throwable cause) {
        List<String> lines = String.valueOf(cause.getMessage()).lines().filter(l -> !l.isBlank()).toList();
        return lines.stream()
                .filter(l -> l.contains("Error: "))
                .reduce((first, second) -> second)
                .orElse(lines.isEmpty() ? cause.toString() : lines.get(lines.size() - 1))
                .strip();
    }
}
