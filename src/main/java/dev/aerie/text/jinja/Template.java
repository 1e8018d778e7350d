package dev.aerie.text.jinja;

import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A parsed chat template. Immutable, and safe for concurrent renderings. */
public final class Template {

    private final List<Node> nodes;

    private Template(List<Node> nodes) {
        this.nodes = nodes;
    }

    /**
     * @param source the text of the template
     * @throws TemplateException if it is no template of the subset
     */
    public static Template parse(String source) {
        return new Template(Parser.parse(source));
    }

    /**
     * @param variables plain values by name; see the package's description for the types
     * @return the text
     * @throws TemplateRaisedException if the template calls {@code raise_exception}
     * @throws TemplateException       if it computes what cannot be computed, or more than a template may
     */
    public String render(Map<String, ?> variables) {
        return render(variables, LocalDateTime.now(ZoneId.systemDefault()));
    }

    /** @param now what {@code strftime_now} tells */
    public String render(Map<String, ?> variables, LocalDateTime now) {
        Map<String, Object> all = new HashMap<>(functions(now));
        variables.forEach((name, value) -> all.put(name, PythonValues.imported(value)));
        try {
            // A template's set statements must not reach its functions' scope, nor a later rendering.
            return Node.captured(nodes, Bindings.root(all, new Budget()).inner());
        } catch (StackOverflowError e) {
            throw new TemplateException("the template nests too deep to be rendered");
        }
    }

    private static Map<String, Object> functions(LocalDateTime now) {
        Map<String, Callable> functions = new HashMap<>();
        functions.put("raise_exception", (arguments, named) -> {
            Object message = new Given("raise_exception", arguments, named).required(0, "message");
            throw new TemplateRaisedException(PythonValues.text(message));
        });
        functions.put("strftime_now", (arguments, named) ->
                formatted(now, new Given("strftime_now", arguments, named).requiredText(0, "format")));
        functions.put("namespace", (arguments, named) -> {
            Map<String, Object> values = new LinkedHashMap<>();
            arguments.forEach(given -> values.putAll(mapping(given)));
            values.putAll(named);
            return new Namespace(values);
        });
        functions.put("dict", (arguments, named) -> {
            Map<String, Object> values = new LinkedHashMap<>();
            arguments.forEach(given -> values.putAll(mapping(given)));
            values.putAll(named);
            return values;
        });
        functions.put("range", (arguments, named) -> range(arguments));
        return new HashMap<>(functions);
    }

    private static Map<String, Object> mapping(Object value) {
        Map<String, Object> values = new LinkedHashMap<>();
        if (value instanceof Map<?, ?> map) {
            map.forEach((key, element) -> values.put(PythonValues.text(key), element));
            return values;
        }
        throw new TemplateException("a mapping is expected here, not " + PythonValues.typeName(value));
    }

    private static List<Object> range(List<Object> arguments) {
        if (arguments.isEmpty() || arguments.size() > 3) {
            throw new TemplateException("range takes one to three integers");
        }
        long start = arguments.size() == 1 ? 0 : PythonValues.index(arguments.get(0), "range's start");
        long stop = PythonValues.index(arguments.get(arguments.size() == 1 ? 0 : 1), "range's stop");
        long step = arguments.size() == 3 ? PythonValues.index(arguments.get(2), "range's step") : 1;
        if (step == 0) {
            throw new TemplateException("range's step cannot be zero");
        }
        List<Object> values = new ArrayList<>();
        for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
            if (values.size() == Budget.MAX_RANGE) {
                throw new TemplateException("a range of more than " + Budget.MAX_RANGE + " is too large");
            }
            values.add(i);
        }
        return values;
    }

    /** Returns a time by a strftime format, in English like the C locale. */
    private static String formatted(LocalDateTime now, String format) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                text.append(c);
                continue;
            }
            char directive = format.charAt(++i);
            boolean unpadded = directive == '-' && i + 1 < format.length();
            String part = part(now, unpadded ? format.charAt(++i) : directive);
            text.append(unpadded ? part.replaceFirst("^[0 ]+(?=.)", "") : part);
        }
        return text.toString();
    }

    private static String part(LocalDateTime now, char directive) {
        String pattern = switch (directive) {
            case 'Y' -> "yyyy";
            case 'y' -> "yy";
            case 'm' -> "MM";
            case 'd' -> "dd";
            case 'B' -> "MMMM";
            case 'b', 'h' -> "MMM";
            case 'A' -> "EEEE";
            case 'a' -> "EEE";
            case 'H' -> "HH";
            case 'I' -> "hh";
            case 'M' -> "mm";
            case 'S' -> "ss";
            case 'p' -> "a";
            case 'j' -> "DDD";
            case 'F' -> "yyyy-MM-dd";
            case 'T' -> "HH:mm:ss";
            case 'e' -> "ppd";
            case 'k' -> "ppH";
            case 'l' -> "pph";
            case 'D', 'x' -> "MM/dd/yy";
            case 'R' -> "HH:mm";
            case 'X' -> "HH:mm:ss";
            case 'r' -> "hh:mm:ss a";
            case 'c' -> "EEE MMM ppd HH:mm:ss yyyy";
            case 'f' -> "SSSSSS";
            // The time has no zone, and Python writes nothing for one.
            case 'z', 'Z' -> "[]";
            case 'n' -> "'\n'";
            case 't' -> "'\t'";
            case '%' -> "'%'";
            default -> throw new TemplateException("strftime_now does not know %" + directive);
        };
        return now.format(DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH));
    }
}
