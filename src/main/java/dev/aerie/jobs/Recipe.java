package dev.aerie.jobs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/**
 * The YAML file that drives all three jobs, checked against {@link RecipeKeys} as a whole when it is read: an unknown key or a
 * value of the wrong type is refused before any work, also in the sections that this job does not use.
 */
public final class Recipe {

    private static final LoadSettings YAML =
            LoadSettings.builder().setSchema(new CoreSchema()).setAllowDuplicateKeys(false).build();

    /** Every key of {@link RecipeKeys#ALL} with its value, null where it is unset; or one element of a list of sections. */
    private final Map<String, Object> values;

    private final String prefix;

    private Recipe(Map<String, Object> values, String prefix) {
        this.values = values;
        this.prefix = prefix;
    }

    /**
     * Reads a recipe.
     *
     * @param overrides {@code section.key=value}, the value in YAML; they win over the file and are checked like it
     * @throws RecipeException with one sentence for the user
     */
    public static Recipe read(Path file, List<String> overrides) {
        String text;
        try {
            text = Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new RecipeException("Invalid recipe: " + file + " (expected a file, there is none)");
        } catch (IOException e) {
            throw new RecipeException("Invalid recipe: " + file + " (expected a readable UTF-8 file: " + e.getMessage() + ")");
        }
        return parse(file.toString(), text, overrides);
    }

    static Recipe parse(String name, String yaml, List<String> overrides) {
        Object tree = load(name, yaml);
        if (tree != null && !(tree instanceof Map)) {
            throw new RecipeException("Invalid recipe: " + name + " (expected sections with keys, as in docs/recipe.md)");
        }
        Map<String, Object> given = new LinkedHashMap<>();
        flatten("", tree == null ? Map.of() : (Map<?, ?>) tree, given);
        for (String override : overrides) {
            int equals = override.indexOf('=');
            if (equals < 1) {
                throw new RecipeException("Invalid --set: " + override + " (expected section.key=value)");
            }
            String key = override.substring(0, equals).strip();
            String value = override.substring(equals + 1);
            ValueType type = RecipeKeys.find(key).type();
            boolean text = type instanceof ValueType.Text || type instanceof ValueType.Location;
            given.put(key, text ? value : load("--set " + key, value));
        }
        Map<String, Object> values = new LinkedHashMap<>();
        for (RecipeKey key : RecipeKeys.ALL) {
            Object value = given.get(key.path());
            values.put(key.path(), value == null ? key.defaultValue() : key.type().read(key.path(), value));
        }
        Recipe recipe = new Recipe(values, "");
        recipe.refuseContradictions();
        return recipe;
    }

    /** Whichever job reads it: a training that cannot start is better found before the store is made. */
    private void refuseContradictions() {
        if (has("train.global_batch_tokens") && has("train.batch_conversations")) {
            throw contradiction("train.global_batch_tokens", "only one of it and train.batch_conversations");
        }
        if (text("train.mode").equals("specforge") && text("store.teacher_rows").equals("strict")) {
            throw contradiction("store.teacher_rows", "all, which train.mode specforge needs");
        }
        if (has("target.weight_memory") && !text("target.residency").equals("auto")) {
            throw contradiction("target.weight_memory",
                    "unset, as target.residency is " + text("target.residency") + " and not auto");
        }
    }

    private static Object load(String name, String yaml) {
        try {
            return new Load(YAML).loadFromString(yaml);
        } catch (MarkedYamlEngineException e) {
            String line = e.getProblemMark().map(m -> ", line " + (m.getLine() + 1)).orElse("");
            throw new RecipeException("Invalid recipe: " + name + line + " is not YAML: " + e.getProblem());
        } catch (YamlEngineException e) {
            String problem = e.getMessage().lines().findFirst().orElse("");
            throw new RecipeException("Invalid recipe: " + name + " is not YAML: " + problem);
        }
    }

    private static void flatten(String prefix, Map<?, ?> section, Map<String, Object> into) {
        section.forEach((name, value) -> {
            String key = prefix + name;
            if (String.valueOf(name).contains(".")) {
                // Else one key could be given twice, here and in its section.
                throw new RecipeException("Invalid recipe key " + key + ": a dot in its name (expected a section with keys)");
            }
            if (RecipeKeys.isSection(key)) {
                if (value != null && !(value instanceof Map)) {
                    throw RecipeException.invalid(key, value, "a section with keys");
                }
                flatten(key + ".", value == null ? Map.of() : (Map<?, ?>) value, into);
            } else {
                RecipeKeys.find(key);
                into.put(key, value);
            }
        });
    }

    /** Whether a value is set, by the recipe or by default. */
    public boolean has(String key) {
        return value(key) != null;
    }

    public String text(String key) {
        return (String) required(key);
    }

    public Optional<String> optionalText(String key) {
        return Optional.ofNullable((String) value(key));
    }

    public int integer(String key) {
        return optionalInteger(key).orElseThrow(() -> missing(key));
    }

    public Optional<Integer> optionalInteger(String key) {
        return Optional.ofNullable((Long) value(key)).map(n -> fitting(key, n));
    }

    private int fitting(String key, long number) {
        if (number > Integer.MAX_VALUE) {
            throw RecipeException.invalid(prefix + key, number, "a whole number up to " + Integer.MAX_VALUE);
        }
        return (int) number;
    }

    public long whole(String key) {
        return (Long) required(key);
    }

    public double number(String key) {
        return (Double) required(key);
    }

    public boolean flag(String key) {
        return (Boolean) required(key);
    }

    /** A list of whole numbers; empty where it is unset. */
    public int[] integers(String key) {
        List<?> list = (List<?>) value(key);
        return list == null ? new int[0] : list.stream().mapToInt(n -> fitting(key, (Long) n)).toArray();
    }

    /** A mapping; empty where it is unset. */
    @SuppressWarnings("unchecked")
    public Map<String, Object> mapping(String key) {
        Map<String, Object> map = (Map<String, Object>) value(key);
        return map == null ? Map.of() : map;
    }

    /** The elements of a list of sections, each read with the names of its own keys. */
    @SuppressWarnings("unchecked")
    public List<Recipe> sections(String key) {
        List<Recipe> sections = new ArrayList<>();
        for (Object element : (List<?>) required(key)) {
            sections.add(new Recipe((Map<String, Object>) element, prefix + key + "[" + sections.size() + "]."));
        }
        return sections;
    }

    /** A value that is right by itself and wrong with others. */
    public RecipeException contradiction(String key, String expected) {
        return RecipeException.invalid(prefix + key, value(key), expected);
    }

    private Object required(String key) {
        Object value = value(key);
        if (value == null) {
            throw missing(key);
        }
        return value;
    }

    private RecipeException missing(String key) {
        return RecipeException.missing(prefix + key, RecipeKeys.find(key).type().expected());
    }

    private Object value(String key) {
        if (!values.containsKey(key)) {
            throw new IllegalStateException("no recipe key " + prefix + key);
        }
        return values.get(key);
    }

    /** The whole recipe as it is in effect, defaults included, as YAML that {@link #read} takes. */
    public String effective() {
        Map<String, Object> tree = new LinkedHashMap<>();
        values.forEach((key, value) -> {
            if (value != null) {
                put(tree, key, value);
            }
        });
        DumpSettings settings = DumpSettings.builder()
                .setSchema(new CoreSchema()).setDefaultFlowStyle(FlowStyle.BLOCK).setWidth(10_000).setSplitLines(false).build();
        return new Dump(settings).dumpToString(tree);
    }

    @SuppressWarnings("unchecked")
    private static void put(Map<String, Object> tree, String key, Object value) {
        int dot = key.indexOf('.');
        if (dot < 0) {
            tree.put(key, value instanceof List<?> list ? list.stream().map(Recipe::withoutUnset).toList() : value);
        } else {
            Map<String, Object> section =
                    (Map<String, Object>) tree.computeIfAbsent(key.substring(0, dot), k -> new LinkedHashMap<String, Object>());
            put(section, key.substring(dot + 1), value);
        }
    }

    private static Object withoutUnset(Object element) {
        if (element instanceof Map<?, ?> map) {
            Map<Object, Object> set = new LinkedHashMap<>(map);
            set.values().removeIf(v -> v == null);
            return set;
        }
        return element;
    }

    /** 1000000 and not 1.0E6, 0.5 as it is. */
    static String plain(double number) {
        return number == Math.rint(number) && Math.abs(number) < 1e15 ? Long.toString((long) number) : Double.toString(number);
    }
}
