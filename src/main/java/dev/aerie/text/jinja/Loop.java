package dev.aerie.text.jinja;

import java.util.List;
import java.util.Map;

/** The variable {@code loop} inside a for loop. Only its position changes. */
final class Loop implements Callable {

    private final List<Object> elements;
    private final long depth;
    private final Callable recursion;
    private int index = -1;
    private Object changing;

    /** @param recursion what {@code loop(...)} does, or null if the loop is not recursive */
    Loop(List<Object> elements, long depth, Callable recursion) {
        this.elements = elements;
        this.depth = depth;
        this.recursion = recursion;
    }

    void next() {
        index++;
    }

    /** {@code loop(items)}: the same body over other items, inside this round. */
    @Override
    public Object call(List<Object> arguments, Map<String, Object> named) {
        if (recursion == null) {
            throw new TemplateException("the loop is not marked recursive");
        }
        return recursion.call(arguments, named);
    }

    Object attribute(String name) {
        int length = elements.size();
        return switch (name) {
            case "index" -> index + 1L;
            case "index0" -> (long) index;
            case "revindex" -> (long) length - index;
            case "revindex0" -> length - index - 1L;
            case "first" -> index == 0;
            case "last" -> index == length - 1;
            case "length" -> (long) length;
            case "depth" -> depth + 1;
            case "depth0" -> depth;
            case "previtem" -> index == 0 ? new Undefined("there is no previous item") : elements.get(index - 1);
            case "nextitem" -> index == length - 1 ? new Undefined("there is no next item") : elements.get(index + 1);
            case "cycle" -> (Callable) (arguments, named) -> {
                if (arguments.isEmpty()) {
                    throw new TemplateException("no items for cycling given");
                }
                return arguments.get(index % arguments.size());
            };
            case "changed" -> (Callable) (arguments, named) -> {
                boolean changed = !PythonValues.equal(changing, arguments);
                changing = arguments;
                return changed;
            };
            default -> null;
        };
    }
}
