import { weighted } from "./random.ts";

export interface District {
  name: string;
  /** Division code (GB/T 2260). */
  code: string;
}

/** The districts, counties and cities of Wenzhou; weights are residents in ten thousands (census of 2020, rounded). */
export const DISTRICTS: readonly { weight: number; value: District }[] = [
  { weight: 117, value: { name: "鹿城区", code: "330302" } },
  { weight: 72, value: { name: "龙湾区", code: "330303" } },
  { weight: 96, value: { name: "瓯海区", code: "330304" } },
  { weight: 15, value: { name: "洞头区", code: "330305" } },
  { weight: 87, value: { name: "永嘉县", code: "330324" } },
  { weight: 87, value: { name: "平阳县", code: "330326" } },
  { weight: 85, value: { name: "苍南县", code: "330327" } },
  { weight: 29, value: { name: "文成县", code: "330328" } },
  { weight: 27, value: { name: "泰顺县", code: "330329" } },
  { weight: 152, value: { name: "瑞安市", code: "330381" } },
  { weight: 145, value: { name: "乐清市", code: "330382" } },
  { weight: 46, value: { name: "龙港市", code: "330383" } },
];

export const pickDistrict = weighted(DISTRICTS);

/** Invented shares: common, uncommon and rare, so that some cells are small and some are empty. */
export const pickDisease = weighted([
  { weight: 6200, value: "无" },
  { weight: 1500, value: "高血压" },
  { weight: 750, value: "糖尿病" },
  { weight: 600, value: "慢性胃炎" },
  { weight: 320, value: "哮喘" },
  { weight: 280, value: "冠心病" },
  { weight: 150, value: "慢阻肺" },
  { weight: 80, value: "癫痫" },
  { weight: 60, value: "乙型肝炎" },
  { weight: 30, value: "结核" },
  { weight: 12, value: "帕金森病" },
  { weight: 3, value: "血友病" },
  { weight: 1, value: "戈谢病" },
]);

export const pickEducation = weighted([
  { weight: 28, value: "小学" },
  { weight: 34, value: "初中" },
  { weight: 18, value: "高中" },
  { weight: 11, value: "大专" },
  { weight: 8, value: "本科" },
  { weight: 1, value: "研究生" },
]);

export const pickOccupation = weighted([
  { weight: 24, value: "制造业工人" },
  { weight: 16, value: "个体经营" },
  { weight: 14, value: "服务业" },
  { weight: 10, value: "农业" },
  { weight: 8, value: "建筑业" },
  { weight: 6, value: "教师" },
  { weight: 4, value: "公务员" },
  { weight: 3, value: "医护" },
  { weight: 2, value: "渔业" },
  { weight: 13, value: "无业或退休" },
]);

export const pickDepartment = weighted([
  { weight: 30, value: "全科" },
  { weight: 20, value: "内科" },
  { weight: 12, value: "中医科" },
  { weight: 10, value: "儿科" },
  { weight: 9, value: "外科" },
  { weight: 8, value: "口腔科" },
  { weight: 6, value: "妇科" },
  { weight: 5, value: "康复科" },
]);

export const pickIndustry = weighted([
  { weight: 20, value: "鞋革" },
  { weight: 18, value: "服装" },
  { weight: 17, value: "电气" },
  { weight: 13, value: "泵阀" },
  { weight: 12, value: "汽摩配" },
  { weight: 8, value: "眼镜" },
  { weight: 6, value: "印刷" },
  { weight: 4, value: "数字经济" },
  { weight: 2, value: "新材料" },
]);
