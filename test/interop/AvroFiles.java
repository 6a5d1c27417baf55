import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileReader;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.io.JsonEncoder;

/**
 * Avro files by the library that Flume and Hadoop use. `json FILE...` prints each file's records as
 * `avro-tools tojson` does, a line with the file's name before them. `write FOLDER CODEC...` writes
 * a file per codec, several blocks of records of a nested schema, and prints them in the same way.
 */
public class AvroFiles {
  private static final PrintStream out =
      new PrintStream(System.out, false, StandardCharsets.UTF_8);

  public static void main(String[] args) throws Exception {
    if (args[0].equals("json")) {
      for (int index = 1; index < args.length; index++) print(new File(args[index]));
    } else {
      for (int index = 2; index < args.length; index++) {
        File file = new File(args[1], args[index] + ".avro");
        write(file, args[index]);
        print(file);
      }
    }
    out.flush();
  }

  private static void print(File file) throws Exception {
    out.println("# " + file.getName());
    GenericDatumReader<Object> datums = new GenericDatumReader<>();
    try (DataFileReader<Object> reader = new DataFileReader<>(file, datums)) {
      GenericDatumWriter<Object> writer = new GenericDatumWriter<>(reader.getSchema());
      for (Object datum : reader) {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        JsonEncoder encoder = EncoderFactory.get().jsonEncoder(reader.getSchema(), line);
        writer.write(datum, encoder);
        encoder.flush();
        out.println(line.toString(StandardCharsets.UTF_8));
      }
    }
  }

  private static void write(File file, String codec) throws Exception {
    Schema schema = schema();
    DataFileWriter<GenericRecord> writer =
        new DataFileWriter<>(new GenericDatumWriter<GenericRecord>(schema));
    writer.setCodec(CodecFactory.fromString(codec));
    writer.setSyncInterval(2_000);
    writer.setMeta("written.by", "AvroFiles");
    writer.create(schema, file);
    for (int index = 0; index < 300; index++) writer.append(record(schema, index));
    writer.close();
  }

  private static Schema schema() {
    String text =
        "{'type':'record','name':'Visit','namespace':'org.example','doc':'A visit.','fields':["
            + "{'name':'id','type':'long'},"
            + "{'name':'count','type':'int','default':0},"
            + "{'name':'good','type':'boolean'},"
            + "{'name':'ratio','type':'double'},"
            + "{'name':'part','type':'float'},"
            + "{'name':'nothing','type':'null'},"
            + "{'name':'text','type':'string'},"
            + "{'name':'raw','type':'bytes'},"
            + "{'name':'sum','type':{'type':'fixed','name':'Sum','size':3}},"
            + "{'name':'color','type':{'type':'enum','name':'Color','symbols':['RED','BLUE']}},"
            + "{'name':'at','type':{'type':'long','logicalType':'timestamp-millis'}},"
            + "{'name':'tags','type':{'type':'map','values':{'type':'array','items':'Color'}}},"
            + "{'name':'other','type':['null','string','int',{'type':'record','name':'Place',"
            + "'namespace':'','fields':[{'name':'x','type':'double'}]}]},"
            + "{'name':'before','type':['null','org.example.Visit']}]}";
    return new Schema.Parser().parse(text.replace('\'', '"'));
  }

  private static GenericRecord record(Schema schema, int index) {
    GenericRecord record = new GenericData.Record(schema);
    record.put("id", index % 3 == 0 ? Long.MIN_VALUE + index : 1L << (index % 63));
    record.put("count", index * -7919);
    record.put("good", index % 2 == 0);
    double[] ratios = {0.5, -0.0, 1e300, Double.NaN, Double.NEGATIVE_INFINITY, 1234.5678};
    record.put("ratio", ratios[index % ratios.length]);
    record.put("part", index / 8f);
    record.put("text", "line " + index + " \"\u00fc\ud83d\ude00\\\u0001\u007f\n");
    byte[] raw = new byte[index % 7];
    for (int at = 0; at < raw.length; at++) raw[at] = (byte) (index * 31 + at);
    record.put("raw", ByteBuffer.wrap(raw));
    byte[] sum = {(byte) index, 0, (byte) -index};
    record.put("sum", new GenericData.Fixed(schema.getField("sum").schema(), sum));
    Schema color = schema.getField("color").schema();
    String[] names = {"RED", "BLUE"};
    record.put("color", new GenericData.EnumSymbol(color, names[index % 2]));
    record.put("at", 1_700_000_000_000L + index);
    // One at most: it prints several in an order of its own.
    Map<String, Object> tags = new HashMap<>();
    List<Object> colors = new ArrayList<>();
    for (int at = 0; at < index % 4; at++) {
      colors.add(new GenericData.EnumSymbol(color, names[at % 2]));
    }
    if (index % 3 > 0) tags.put("tag \u00e9", colors);
    record.put("tags", tags);
    record.put("other", other(schema.getField("other").schema(), index));
    if (index % 5 == 1) record.put("before", record(schema, index - 1));
    return record;
  }

  private static Object other(Schema union, int index) {
    if (index % 4 == 0) return null;
    if (index % 4 == 1) return "text";
    if (index % 4 == 2) return index;
    GenericRecord place = new GenericData.Record(union.getTypes().get(3));
    place.put("x", index + 0.25);
    return place;
  }
}
