import type { Random } from "./random.ts";
import { weighted } from "./random.ts";

const SURNAMES = "陈林王黄李叶郑吴张周徐金朱潘胡蔡杨郭刘谢夏董何戴章项邵赵孙余卢薛苏倪缪虞";
const GIVEN = "安柏辰岱恩帆歌涵嘉可岚洛铭宁沛琪若珊棠桐维溪晓雅逸语芷舟梓云知越昀希宛朔庭霄祺墨";
const COMPOUND = ["欧阳", "司徒", "上官", "诸葛"];

/** Earlier surnames of the list are commoner; the weight falls with the rank. */
const pickSurname = weighted([
  ...Array.from(SURNAMES, (value, rank) => ({ weight: 1 / (rank + 3), value })),
  ...COMPOUND.map((value) => ({ weight: 0.003, value })),
]);

const GIVEN_CHARACTERS = Array.from(GIVEN);

/** An invented name of a person. */
export function personName(random: Random): string {
  const first = random.pick(GIVEN_CHARACTERS);
  return pickSurname(random) + (random.unit() < 0.82 ? first + random.pick(GIVEN_CHARACTERS) : first);
}

const TRADE_WORDS = ["瓯越", "雁荡", "东瓯", "海屿", "云江", "楠溪", "鳌江", "飞云", "九山", "塘河", "松台", "南麂"];
const TRADE_ENDINGS = ["兴", "盛", "达", "泰", "源", "和", "信", "通", "宏", "瑞"];

/** An invented name of an enterprise; numbered, because the words repeat. */
export function enterpriseName(random: Random, industry: string, number: number): string {
  return `温州${random.pick(TRADE_WORDS)}${random.pick(TRADE_ENDINGS)}${industry}有限公司${number}`;
}
