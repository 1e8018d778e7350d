package dev.aerie.text.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** Filters over sequences, some of which take another filter, a test or an attribute by name. */
final class SequenceFilters {

    private SequenceFilters() {}

    static void register(Map<String, Filters.Function> filters) {
        filters.put("list", (v, g) -> new ArrayList<>(PythonValues.elements(v)));
        filters.put("first", (v, g) -> {
            Object none = new Undefined("No first item, sequence was empty.");
            return (v instanceof Lazy lazy ? lazy : new Lazy(() -> PythonValues.elements(v))).takeFirst(none);
        });
        filters.put("last", (v, g) -> {
            if (v instanceof Lazy) {
                throw new TemplateException("'generator' object is not reversible");
            }
            List<Object> elements = PythonValues.elements(v);
            return elements.isEmpty() ? new Undefined("No last item, sequence was empty.") : elements.get(elements.size() - 1);
        });
        filters.put("join", (v, g) -> {
            UnaryOperator<Object> attribute = attribute(g.get(1, "attribute", null));
            List<Object> texts = new ArrayList<>();
            PythonValues.elements(v).forEach(e -> texts.add(PythonValues.text(attribute.apply(e))));
            return StringMethods.joined(g.text(0, "d", ""), texts);
        });
        filters.put("map", SequenceFilters::map);
        filters.put("select", (v, g) -> kept(v, test(g, 0)));
        filters.put("reject", (v, g) -> kept(v, test(g, 0).negate()));
        filters.put("selectattr", (v, g) -> kept(v, attributeTest(g)));
        filters.put("rejectattr", (v, g) -> kept(v, attributeTest(g).negate()));
        filters.put("sum", (v, g) -> {
            UnaryOperator<Object> attribute = attribute(g.get(0, "attribute", null));
            List<Object> values = new ArrayList<>();
            PythonValues.elements(v).forEach(e -> values.add(attribute.apply(e)));
            return Arithmetic.sum(values, g.get(1, "start", 0L));
        });
        filters.put("sort", (v, g) -> {
            List<Object> sorted = new ArrayList<>(PythonValues.elements(v));
            sorted.sort(order(g.get(2, "attribute", null), g.truth(1, "case_sensitive", false), g.truth(0, "reverse", false)));
            return sorted;
        });
        filters.put("min", (v, g) -> extreme(v, g, true));
        filters.put("max", (v, g) -> extreme(v, g, false));
        filters.put("unique", SequenceFilters::unique);
        filters.put("groupby", SequenceFilters::grouped);
        filters.put("batch", SequenceFilters::batches);
        filters.put("slice", SequenceFilters::slices);
    }

    /** Returns a dotted path, or an index. Null gives the element itself. */
    private static UnaryOperator<Object> attribute(Object path) {
        if (path == null) {
            return UnaryOperator.identity();
        }
        if (!(path instanceof String dotted)) {
            return element -> Members.item(element, path);
        }
        return element -> {
            Object value = element;
            for (String part : dotted.split("\\.")) {
                value = Members.item(value, !part.isEmpty() && part.length() < 10 && part.chars().allMatch(Character::isDigit)
                        ? (Object) Long.parseLong(part) : part);
            }
            return value;
        };
    }

    private static Object map(Object value, Given given) {
        UnaryOperator<Object> function;
        if (given.named().containsKey("attribute")) {
            UnaryOperator<Object> attribute = attribute(given.named().get("attribute"));
            Object fallback = given.named().get("default");
            boolean replaces = given.named().containsKey("default");
            function = element -> {
                Object found = attribute.apply(element);
                return replaces && found instanceof Undefined ? fallback : found;
            };
        } else {
            String filter = given.requiredText(0, "filter");
            Given rest = new Given(filter, given.after(1), given.named());
            function = element -> Filters.apply(filter, element, rest);
        }
        return new Lazy(() -> {
            List<Object> mapped = new ArrayList<>();
            elementsIfTrue(value).forEach(e -> mapped.add(function.apply(e)));
            return mapped;
        });
    }

    /** Returns the test named by the argument at {@code from}, or truth without one. */
    private static Predicate<Object> test(Given given, int from) {
        if (given.positional().size() <= from) {
            return PythonValues::truth;
        }
        String test = given.requiredText(from, "test");
        if (!Tests.known(test)) {
            throw new TemplateException("there is no test '" + test + "'");
        }
        List<Object> operands = given.after(from + 1);
        return element -> Tests.holds(test, element, operands);
    }

    private static Predicate<Object> attributeTest(Given given) {
        UnaryOperator<Object> attribute = attribute(given.required(0, "attribute"));
        Predicate<Object> test = test(given, 1);
        return element -> test.test(attribute.apply(element));
    }

    private static Lazy kept(Object value, Predicate<Object> condition) {
        return new Lazy(() -> elementsIfTrue(value).stream().filter(condition).toList());
    }

    /** These filters ask first whether there is anything: of none they make nothing, where a loop over it would fail. */
    private static List<Object> elementsIfTrue(Object value) {
        return PythonValues.truth(value) ? PythonValues.elements(value) : List.of();
    }

    private static Comparator<Object> order(Object path, boolean caseSensitive, boolean reverse) {
        Comparator<Object> order = (a, b) -> 0;
        for (Object one : path instanceof String several ? List.<Object>of((Object[]) several.split(",")) : Arrays.asList(path)) {
            UnaryOperator<Object> attribute = attribute(one);
            order = order.thenComparing((a, b) -> PythonValues.compare(
                    Members.folded(attribute.apply(a), caseSensitive), Members.folded(attribute.apply(b), caseSensitive)));
        }
        return reverse ? order.reversed() : order;
    }

    private static Object extreme(Object value, Given given, boolean least) {
        Comparator<Object> order = order(given.get(1, "attribute", null), given.truth(0, "case_sensitive", false), !least);
        Object best = new Undefined("No aggregated item, sequence was empty.");
        boolean any = false;
        for (Object element : PythonValues.elements(value)) {
            if (!any || order.compare(element, best) < 0) {
                best = element;
                any = true;
            }
        }
        return best;
    }

    private static Object unique(Object value, Given given) {
        UnaryOperator<Object> attribute = attribute(given.get(1, "attribute", null));
        Set<Object> seen = new HashSet<>();
        return new Lazy(() -> PythonValues.elements(value).stream()
                .filter(e -> seen.add(Members.folded(attribute.apply(e), given.truth(0, "case_sensitive", false)))).toList());
    }

    private static Object grouped(Object value, Given given) {
        Object path = given.required(0, "attribute");
        UnaryOperator<Object> attribute = attribute(path);
        List<Object> sorted = new ArrayList<>(PythonValues.elements(value));
        sorted.sort(order(path, given.truth(2, "case_sensitive", false), false));
        List<Object> groups = new ArrayList<>();
        List<Object> members = new ArrayList<>();
        Object current = null;
        for (Object element : sorted) {
            Object key = attribute.apply(element);
            if (members.isEmpty() || !PythonValues.equal(key, current)) {
                members = new ArrayList<>();
                groups.add(Tuple.of(key, members));
                current = key;
            }
            members.add(element);
        }
        return groups;
    }

    private static Object batches(Object value, Given given) {
        long size = given.integer(0, "linecount", 0);
        if (size < 1) {
            throw new TemplateException("batch needs a size of at least 1");
        }
        Object filler = given.get(1, "fill_with", null);
        List<Object> batches = new ArrayList<>();
        List<Object> batch = new ArrayList<>();
        for (Object element : PythonValues.elements(value)) {
            if (batch.size() == size) {
                batches.add(batch);
                batch = new ArrayList<>();
            }
            batch.add(element);
        }
        if (!batch.isEmpty()) {
            while (filler != null && batch.size() < Math.min(size, Budget.MAX_RANGE)) {
                batch.add(filler);
            }
            batches.add(batch);
        }
        return new Lazy(() -> batches);
    }

    /** So many lists of sizes that differ by one at most, the longer ones first; the shorter ones may be filled up. */
    private static Object slices(Object value, Given given) {
        int count = (int) Math.min(Budget.MAX_RANGE, given.integer(0, "slices", 0));
        if (count < 1) {
            throw new TemplateException("slice needs a number of at least 1");
        }
        Object filler = given.get(1, "fill_with", null);
        List<Object> elements = PythonValues.elements(value);
        List<Object> slices = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < count; i++) {
            boolean longer = i < elements.size() % count;
            int to = from + elements.size() / count + (longer ? 1 : 0);
            List<Object> slice = new ArrayList<>(elements.subList(from, to));
            if (filler != null && !longer) {
                slice.add(filler);
            }
            slices.add(slice);
            from = to;
        }
        return new Lazy(() -> slices);
    }
}
